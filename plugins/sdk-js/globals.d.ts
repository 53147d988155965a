//! What plugins have beyond the language itself: of the engine, and of engine.js.

declare module "core-js-pure/actual/*" {
  const value: any;
  export default value;
}

/** Writes to the plugin's log, which operators read. */
declare const console: {
  debug(...values: unknown[]): void;
  error(...values: unknown[]): void;
  info(...values: unknown[]): void;
  log(...values: unknown[]): void;
  trace(...values: unknown[]): void;
  warn(...values: unknown[]): void;
};

/** UTF-8 only. */
declare class TextEncoder {
  readonly encoding: "utf-8";
  encode(text?: string): Uint8Array;
}

/** UTF-8 only, whole texts only. */
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: "utf-8";
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(input?: ArrayBuffer | ArrayBufferView): string;
}

/** Base64 of a text whose characters are bytes, and back. */
declare function btoa(bytes: string): string;
declare function atob(base64: string): string;
