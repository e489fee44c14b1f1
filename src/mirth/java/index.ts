import { randomUUID } from 'node:crypto';
import { formatDate, parseDate } from '../date-format.ts';
import { plainTextOf } from '../plain-text.ts';
import {
  Base64,
  Base64Codec,
  DigestUtils,
  Hashing,
  MessageDigest,
  URLDecoder,
  URLEncoder,
} from './codec.ts';
import { ArrayList, HashMap, HashSet } from './collections.ts';
import { format, StringBuilder, StringUtils } from './text.ts';

export { javaString } from './text.ts';

class SimpleDateFormat {
  readonly #pattern: string;
  #zone: string | undefined;

  constructor(pattern: unknown) {
    this.#pattern = String(pattern);
  }

  setTimeZone(zone: { getID(): string }): void {
    this.#zone = zone.getID();
  }

  setLenient(_lenient: boolean): void {
    // it always is
  }

  format(date: unknown): string {
    return formatDate(this.#pattern, new Date(Number(date)), this.#zone);
  }

  parse(text: unknown): Date {
    return parseDate(this.#pattern, String(text), this.#zone);
  }
}

/** A date with the methods of Java and JavaScript. */
class JavaDate extends Date {
  before(other: Date): boolean {
    return this.getTime() < other.getTime();
  }

  after(other: Date): boolean {
    return this.getTime() > other.getTime();
  }
}

/** `java.lang.String`: for bytes their text, for anything else its string value. */
function JavaText(value?: unknown): string | object {
  const text =
    value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : plainTextOf(value ?? '');
  return new.target === undefined ? text : (Object(text) as object);
}
JavaText.format = format;
JavaText.valueOf = (value: unknown): string => String(value);
JavaText.join = (by: unknown, ...values: readonly unknown[]): string =>
  values.flat().join(String(by));

/** A number class. With or without `new`, arithmetic works on the number itself. */
function numbers(parse: (text: string) => number, name: string): unknown {
  const of = (given: unknown): number => {
    const value = parse(String(given).trim());
    if (Number.isNaN(value)) throw new TypeError(`this is not a number, which ${name} needs`);
    return value;
  };
  const made = function box(given: unknown): object {
    return Object(of(given)) as object;
  };
  return Object.assign(made, {
    valueOf: of,
    [`parse${name}`]: of,
    toString: (value: unknown, radix?: number) => Number(value).toString(radix),
    toHexString: (value: unknown) => (Number(value) >>> 0).toString(16),
    toBinaryString: (value: unknown) => (Number(value) >>> 0).toString(2),
    MAX_VALUE: name === 'Int' ? 2_147_483_647 : Number.MAX_SAFE_INTEGER,
  });
}

const whole = (text: string): number =>
  /^[+-]?\d+(\.0*)?$/.test(text) ? Number(text) : Number.NaN;

/** An unknown zone is GMT, as in Java. */
function timeZone(name: unknown): { getID(): string } {
  const id = String(name);
  const isKnown = Intl.supportedValuesOf('timeZone').includes(id) || /^(UTC|GMT|Etc\/.*)$/.test(id);
  return { getID: () => (isKnown ? id : (OLD_ZONES[id] ?? 'GMT')) };
}

/** Three-letter names that Java still supports. */
const OLD_ZONES: Readonly<Record<string, string>> = {
  CET: 'Europe/Paris',
  CST: 'America/Chicago',
  EST: 'Etc/GMT+5',
  MST: 'America/Denver',
  PST: 'America/Los_Angeles',
};

/** The implementation of `Thread.sleep` is set where scripts are run. */
const lang = {
  Boolean: { valueOf: (value: unknown) => /^true$/i.test(String(value)), TRUE: true, FALSE: false },
  Double: numbers(Number, 'Double'),
  Exception: Error,
  Float: numbers(Number, 'Float'),
  IllegalArgumentException: Error,
  Integer: numbers(whole, 'Int'),
  Long: numbers(whole, 'Long'),
  RuntimeException: Error,
  String: JavaText,
  StringBuffer: StringBuilder,
  StringBuilder,
  System: {
    currentTimeMillis: () => Date.now(),
    getenv: (name: unknown) => process.env[String(name)] ?? null,
    lineSeparator: () => '\n',
  },
};

/** The Java classes that scripts use for what JavaScript has as well. */
// biome-ignore lint/suspicious/noExplicitAny: what a script may do with it is anything
// oxlint-disable-next-line typescript/no-explicit-any -- what a script may do with it is anything
export const java: any = {
  lang,
  net: { URLDecoder, URLEncoder },
  nio: {
    charset: {
      StandardCharsets: { UTF_8: 'UTF-8', ISO_8859_1: 'ISO-8859-1', US_ASCII: 'US-ASCII' },
    },
  },
  security: { MessageDigest },
  text: { SimpleDateFormat },
  util: {
    ArrayList,
    Arrays: {
      asList: (...given: readonly unknown[]) =>
        new ArrayList(given.length === 1 && Array.isArray(given[0]) ? given[0] : given),
    },
    Base64,
    Collections: { emptyMap: () => new HashMap(), emptyList: () => new ArrayList() },
    Date: JavaDate,
    HashMap,
    HashSet,
    LinkedHashMap: HashMap,
    LinkedList: ArrayList,
    TimeZone: { getTimeZone: timeZone },
    TreeMap: HashMap,
    UUID: { randomUUID: () => randomUUID() },
  },
};

/** The few classes of Apache Commons. */
// biome-ignore lint/suspicious/noExplicitAny: what a script may do with it is anything
// oxlint-disable-next-line typescript/no-explicit-any -- what a script may do with it is anything
export const org: any = {
  apache: {
    commons: {
      codec: { binary: { Base64: Base64Codec }, digest: { DigestUtils } },
      lang: { StringUtils },
      lang3: { StringUtils },
    },
  },
};

/** Of Google's Guava only hashes. */
// biome-ignore lint/suspicious/noExplicitAny: what a script may do with it is anything
// oxlint-disable-next-line typescript/no-explicit-any -- what a script may do with it is anything
export const com: any = { google: { common: { hash: { Hashing } } } };

export const UUIDGenerator = { getUUID: (): string => randomUUID() };
