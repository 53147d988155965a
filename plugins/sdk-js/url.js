//! URL and URLSearchParams, which the engine lacks: import them from here. They add 100 KB of source,
//! which only plugins that use them have.

import OfCore from "core-js-pure/actual/url";
import ParamsOfCore from "core-js-pure/actual/url-search-params";

/**
 * The parts of URLSearchParams that are the same everywhere.
 * @typedef {object} Params
 * @property {(name: string, value: string) => void} append
 * @property {(name: string) => void} delete
 * @property {(name: string) => string | null} get
 * @property {(name: string) => string[]} getAll
 * @property {(name: string) => boolean} has
 * @property {(name: string, value: string) => void} set
 * @property {() => IterableIterator<[string, string]>} entries
 */

/**
 * The parts of a URL.
 * @typedef {object} Parts
 * @property {string} href
 * @property {string} protocol
 * @property {string} username
 * @property {string} password
 * @property {string} host
 * @property {string} hostname
 * @property {string} port
 * @property {string} pathname
 * @property {string} search
 * @property {string} hash
 * @property {string} origin
 * @property {Params} searchParams
 */

/** @type {new (url: string, base?: string) => Parts} */
export const URL = OfCore;

/** @type {new (init?: string | Record<string, string> | Array<[string, string]>) => Params} */
export const URLSearchParams = ParamsOfCore;
