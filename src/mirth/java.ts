import { randomUUID } from 'node:crypto';
import { formatDate, parseDate } from './date-format.ts';
import { VariableMap } from './maps.ts';

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

/** A date with the methods of both worlds. */
class JavaDate extends Date {
  before(other: Date): boolean {
    return this.getTime() < other.getTime();
  }

  after(other: Date): boolean {
    return this.getTime() > other.getTime();
  }
}

class ArrayList extends Array<unknown> {
  add(value: unknown): boolean {
    this.push(value);
    return true;
  }

  get(index: number): unknown {
    return this[index];
  }

  size(): number {
    return this.length;
  }

  contains(value: unknown): boolean {
    return this.includes(value);
  }

  isEmpty(): boolean {
    return this.length === 0;
  }
}

const zone = (name: unknown): { getID(): string } => ({ getID: () => String(name) });

/** The few classes of Java that scripts use for what JavaScript has as well. */
// biome-ignore lint/suspicious/noExplicitAny: what a script may do with it is anything
// oxlint-disable-next-line typescript/no-explicit-any -- what a script may do with it is anything
export const java: any = {
  lang: {
    Integer: { parseInt: (text: unknown) => Number.parseInt(String(text), 10) },
    String,
    System: {
      currentTimeMillis: () => Date.now(),
      getenv: (name: unknown) => process.env[String(name)] ?? null,
    },
  },
  text: { SimpleDateFormat },
  util: {
    ArrayList,
    Date: JavaDate,
    HashMap: VariableMap,
    TimeZone: { getTimeZone: zone },
    UUID: { randomUUID: () => randomUUID() },
  },
};

export const UUIDGenerator = { getUUID: (): string => randomUUID() };

/** What a text has in Java and not in JavaScript; any other value is given back as it is. */
// biome-ignore lint/suspicious/noExplicitAny: what a script may do with it is anything
// oxlint-disable-next-line typescript/no-explicit-any -- what a script may do with it is anything
export function javaString(value: unknown): any {
  if (typeof value !== 'string') return value;
  return {
    contains: (part: unknown) => value.includes(String(part)),
    equals: (other: unknown) => value === String(other),
    equalsIgnoreCase: (other: unknown) => value.toLowerCase() === String(other).toLowerCase(),
    isEmpty: () => value === '',
    length: () => value.length,
    replaceFirst: (pattern: string, by: string) => value.replace(new RegExp(pattern), by),
    size: () => value.length,
  };
}
