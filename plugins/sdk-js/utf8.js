//! Texts as bytes and back, by the rules of the WHATWG's Encoding Standard.

/** A text's bytes in UTF-8; half a pair is a mark. @param {string} text */
export function encode(text) {
  /** @type {number[]} */
  const bytes = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    const code = 0xd800 <= point && point <= 0xdfff ? 0xfffd : point;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) {
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    } else {
      const rest = [(code >> 12) & 63, (code >> 6) & 63, code & 63].map((it) => 0x80 | it);
      bytes.push(0xf0 | (code >> 18), ...rest);
    }
  }
  return Uint8Array.from(bytes);
}

/** How many bytes follow a first one, and what the second may be; none if it begins nothing. */
function begun(/** @type {number} */ first) {
  if (0xc2 <= first && first <= 0xdf) return { more: 1, low: 0x80, high: 0xbf };
  if (0xe0 <= first && first <= 0xef) {
    return { more: 2, low: first === 0xe0 ? 0xa0 : 0x80, high: first === 0xed ? 0x9f : 0xbf };
  }
  if (0xf0 <= first && first <= 0xf4) {
    return { more: 3, low: first === 0xf0 ? 0x90 : 0x80, high: first === 0xf4 ? 0x8f : 0xbf };
  }
  return null;
}

/**
 * The text of bytes in UTF-8. What is none is the mark U+FFFD, or an error.
 * @param {Uint8Array} bytes
 * @param {boolean} fatal
 */
export function decode(bytes, fatal = false) {
  const parts = [];
  const bad = () => {
    if (fatal) throw new TypeError("the bytes are not UTF-8");
    return 0xfffd;
  };
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at++];
    if (first < 0x80) {
      parts.push(String.fromCharCode(first));
      continue;
    }
    const sequence = begun(first);
    let code = sequence ? first & (0x3f >> sequence.more) : 0;
    let left = sequence?.more ?? 0;
    let { low, high } = sequence ?? { low: 0, high: 0 };
    while (0 < left && at < bytes.length && low <= bytes[at] && bytes[at] <= high) {
      code = (code << 6) | (bytes[at++] & 63);
      [left, low, high] = [left - 1, 0x80, 0xbf];
    }
    parts.push(String.fromCodePoint(sequence && left === 0 ? code : bad()));
  }
  return parts.join("");
}
