import type {
  EdifactProfile,
  FindEdifactProfile,
} from '../document/edi/profile/edifact-profile.ts';
import { nearest } from '../error/nearest.ts';
import type { Message } from '../message/message.ts';
import { milliseconds } from '../time/duration.ts';
import { byteCount } from '../time/size.ts';
import type { Credential } from './credential.ts';

/** `introspection` only checks what a caller sends; `jwt-key` also signs what we send to a web server. */
export type CredentialKind = Credential['kind'] | 'jwt-key' | 'introspection';

/** The closed set of setting types. Each has one reader here and one control in the console. */
export type SettingKind =
  | 'text'
  | 'integer'
  | 'duration'
  | 'size'
  | 'flag'
  | 'choice'
  | 'url'
  | 'address'
  | 'path'
  | 'credential'
  | 'target'
  | 'lookup'
  | 'profile'
  | 'template'
  | 'expression'
  | 'group'
  | 'list';

/** What the form and the reference page tell the reader. `help` is required and is a full sentence. */
export interface About<Given> {
  readonly help: string;
  readonly example?: string;
  readonly default?: Given;
  /** Hidden in the console until asked for. */
  readonly advanced?: true;
}

/**
 * One setting of an adapter: written in a production as `Given`, passed to the adapter as `Value`.
 * The same object checks it, draws its control, documents it and makes its JSON Schema.
 */
export interface Setting<Value, Given = Value> extends About<unknown> {
  readonly kind: SettingKind;
  readonly optional?: true;
  readonly choices?: Readonly<Record<string, string>>;
  readonly minimum?: number;
  readonly maximum?: number;
  /** For a group: its settings. */
  readonly fields?: Settings;
  /** For a list: the type of each item. */
  readonly item?: Setting<unknown, unknown>;
  /** For a credential: the kinds allowed; any, if left out. */
  readonly kinds?: readonly CredentialKind[];
  /** Returns the value, or why there is none. Never throws. */
  readonly read: (given: unknown, context: ReadContext) => Read<Value>;
  /** Exists only in types: carries `Given`. */
  readonly given?: Given;
}

/** What the production provides for reading settings: names that exist, the folder, the expression language. */
export interface ReadContext {
  /** An absolute path; relative ones start at the production's folder. */
  path(text: string): string;
  /**
   * Compiles `"{type}_{id}.hl7"`. `encode` is applied to each filled-in value, so that none can
   * break out of its place.
   */
  template(text: string, encode?: (value: string) => string): Read<Template>;
  expression(text: string): Read<MessageExpression>;
  /** The problem with a name, with the nearest known one; undefined if it exists. */
  unknown(kind: 'target' | 'lookup', name: string): string | undefined;
  /** The problem with a credential's name or kind; undefined if it is suitable. */
  unfit(name: string, kinds: readonly CredentialKind[] | undefined): string | undefined;
  /** Left out where there are no profiles. */
  readonly edifact?: FindEdifactProfile | undefined;
}

/** Text with expressions in braces, filled in for each message. */
export interface Template {
  readonly source: string;
  render(message: Message): Promise<string>;
}

export interface MessageExpression {
  readonly source: string;
  evaluate(message: Message): Promise<unknown>;
}

export interface SettingProblem {
  /** Below the setting itself: `['tls', 'trust']`, or `[]`. */
  readonly path: readonly (string | number)[];
  /** What is wrong and what to do; without the name of the setting, which the caller knows. */
  readonly problem: string;
  /** Where in the text of the setting, if it has a language of its own: characters from 0. */
  readonly offset?: number;
}

export type Read<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problems: readonly SettingProblem[] };

export type Settings = Readonly<Record<string, Setting<unknown, unknown>>>;

/** The values that the adapter gets. */
export type ValuesOf<S extends Settings> = {
  readonly [Name in keyof S]: S[Name] extends Setting<infer Value, infer _> ? Value : never;
};

export type GivenOf<T> = T extends { readonly given?: infer Given } ? Given : never;
type NeededBy<S> = {
  [Name in keyof S]: undefined extends GivenOf<S[Name]> ? never : Name;
}[keyof S];

/** What a production writes: all settings without a default, and any of the others. */
export type SettingsOf<S extends Settings> = {
  readonly [Name in NeededBy<S>]: GivenOf<S[Name]>;
} & { readonly [Name in Exclude<keyof S, NeededBy<S>>]?: GivenOf<S[Name]> };

/** Only a setting with a default may be left out of a production. */
export interface Declare<Value, Given, Extra = unknown> {
  (about: About<Given> & Extra & { readonly default: Given }): Setting<Value, Given | undefined>;
  (about: About<Given> & Extra): Setting<Value, Given>;
}

export const good = <Value>(value: Value): Read<Value> => ({ ok: true, value });
export const bad = (problem: string): Read<never> => ({
  ok: false,
  problems: [{ path: [], problem }],
});

/** How a kind of setting reads what is given. */
export type Reader<Value> = (given: unknown, context: ReadContext) => Read<Value>;

function declare<Value, Given>(kind: SettingKind, read: Reader<Value>): Declare<Value, Given> {
  return (about: About<Given>): Setting<Value, Given> => ({ kind, ...about, read });
}

const string =
  <Value>(then: (text: string, context: ReadContext) => Read<Value>): Reader<Value> =>
  (given, context) =>
    typeof given === 'string' ? then(given, context) : bad('must be text');

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escapedHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => HTML[character] ?? '');

const named = (kind: 'target' | 'lookup'): Reader<string> =>
  string((name, context) => {
    const problem = context.unknown(kind, name);
    return problem === undefined ? good(name) : bad(problem);
  });

export const text: Declare<string, string> = declare('text', string(good));

/** A file or folder. Relative paths start at the production's folder. */
export const path: Declare<string, string> = declare(
  'path',
  string((given, context) => good(context.path(given))),
);

/** The name of an entry under `credentials`. A setting never contains a secret itself. */
export const credential: Declare<string, string, { readonly kinds?: readonly CredentialKind[] }> = (
  about: About<string> & { readonly kinds?: readonly CredentialKind[] },
): Setting<string, string> => ({
  kind: 'credential',
  ...about,
  read: string((name, context) => {
    const problem = context.unfit(name, about.kinds);
    return problem === undefined ? good(name) : bad(problem);
  }),
});

/** The name of a process or operation. */
export const target: Declare<string, string> = declare('target', named('target'));

export const lookup: Declare<string, string> = declare('lookup', named('lookup'));

/** The name of an entry under `profiles` that is about EDIFACT. The adapter gets the profile itself. */
export const edifactProfile: Declare<EdifactProfile, string> = declare(
  'profile',
  string((name, { edifact }) => {
    const found = edifact?.(name);
    return typeof found === 'object'
      ? good(found)
      : bad(found ?? 'names a profile that cannot be read');
  }),
);

/** Text with expressions in braces: `"{type}_{id}.hl7"`. */
export const template: Declare<Template, string> = declare(
  'template',
  string((given, context) => context.template(given)),
);

/** HTML with expressions in braces. Values are shown as text: they cannot start an element or attribute. */
export const htmlTemplate: Declare<Template, string> = declare(
  'template',
  string((given, context) => context.template(given, escapedHtml)),
);

/**
 * Mail addresses with expressions in braces. A value is one address or a name: if it contains a
 * separator it is quoted, so that a message cannot add recipients (RFC 5322 §3.2.4).
 */
export const addressTemplate: Declare<Template, string> = declare(
  'template',
  string((given, context) => context.template(given, quotedPhrase)),
);

/** `Ward A <a@ward.example>`: one mailbox with its name, which is not changed. */
const ONE_MAILBOX = /^(?:"[^"\\]*"|[^",;:<>()@\\[\]]*)\s*<[^\s",;:<>()@\\[\]]+@[^\s",;:<>()@\\]+>$/;

function quotedPhrase(value: string): string {
  const isPlain = !/[",;:<>()\\[\]]/.test(value);
  return isPlain || ONE_MAILBOX.test(value) ? value : `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

export const expression: Declare<MessageExpression, string> = declare(
  'expression',
  string((given, context) => context.expression(given)),
);

export const flag: Declare<boolean, boolean> = declare('flag', (given) =>
  typeof given === 'boolean' ? good(given) : bad('must be true or false'),
);

/** Written as `30s`; read as milliseconds; `forever` is Infinity. */
export const duration: Declare<number, string> = declare('duration', (given) => {
  const value = typeof given === 'string' ? milliseconds(given) : undefined;
  return value === undefined ? bad('must be a duration such as 250ms, 30s or 5m') : good(value);
});

/** Written as `8MB`; read as bytes. */
export const size: Declare<number, string> = declare('size', (given) => {
  const value = typeof given === 'string' ? byteCount(given) : undefined;
  return value === undefined ? bad('must be a size such as 512B, 256KB or 8MB') : good(value);
});

export const url: Declare<URL, string> = declare('url', (given) =>
  typeof given === 'string' && URL.canParse(given) ? good(new URL(given)) : bad('must be a URL'),
);

/** `host:port`; a listener takes a free port for 0. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export const address: Declare<Address, string> = declare('address', (given) => {
  const found = typeof given === 'string' ? /^(\[[^\]]+\]|[^:\s]+):(\d{1,5})$/.exec(given) : null;
  const port = Number(found?.[2]);
  return found === null || port > 65_535
    ? bad('must be an address such as lab.example:2575 or 0.0.0.0:2575')
    : good({ host: (found[1] ?? '').replace(/^\[|\]$/g, ''), port });
});

export const integer: Declare<
  number,
  number,
  { readonly minimum?: number; readonly maximum?: number }
> = (
  about: About<number> & { readonly minimum?: number; readonly maximum?: number },
): Setting<number, number> => ({
  kind: 'integer',
  ...about,
  read: (given) =>
    typeof given === 'number' &&
    Number.isInteger(given) &&
    given >= (about.minimum ?? Number.NEGATIVE_INFINITY) &&
    given <= (about.maximum ?? Number.POSITIVE_INFINITY)
      ? good(given)
      : bad(`must be a whole number${rangeText(about)}`),
});

function rangeText({ minimum, maximum }: { minimum?: number; maximum?: number }): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  if (minimum !== undefined) return ` of at least ${minimum}`;
  return maximum === undefined ? '' : ` of at most ${maximum}`;
}

/** One of the keys of `choices`; each value explains its key. */
export function choice<const C extends Readonly<Record<string, string>>>(
  choices: C,
  about: About<keyof C & string> & { readonly default: keyof C & string },
): Setting<keyof C & string, (keyof C & string) | undefined> {
  return {
    kind: 'choice',
    choices,
    ...about,
    read: (given) =>
      typeof given === 'string' && Object.hasOwn(choices, given)
        ? good(given)
        : bad(`must be one of ${Object.keys(choices).join(', ')}`),
  };
}

/** Settings that belong together, written as a block of their own. Undefined if left out. */
export function group<const F extends Settings>(
  fields: F,
  about: Omit<About<never>, 'default'>,
): Setting<ValuesOf<F> | undefined, SettingsOf<F> | undefined> {
  return {
    kind: 'group',
    fields,
    optional: true,
    ...about,
    read: (given, context) => {
      if (given === undefined) return good(undefined);
      if (typeof given !== 'object' || given === null || Array.isArray(given)) {
        return bad('must be a block of settings');
      }
      return readFields(fields, given as Record<string, unknown>, context);
    },
  };
}

/** Any number of items of one kind. A single item may be written without brackets. */
export function list<Value, Given>(
  item: Setting<Value, Given>,
  about: About<readonly Given[]>,
): Setting<readonly Value[], readonly Given[] | undefined> {
  return {
    kind: 'list',
    item,
    ...about,
    default: about.default ?? [],
    read: (given, context) => {
      const reads = (Array.isArray(given) ? given : [given]).map((one: unknown) =>
        item.read(one, context),
      );
      const problems = reads.flatMap((read, index) =>
        read.ok ? [] : read.problems.map((one) => ({ ...one, path: [index, ...one.path] })),
      );
      return problems.length > 0
        ? { ok: false, problems }
        : good(reads.flatMap((read) => (read.ok ? [read.value] : [])));
    },
  };
}

/** Makes a setting optional: left out, it is undefined, also where its kind needs a default. */
export function optional<Value, Given>(
  setting: Setting<Value, Given>,
): Setting<Value | undefined, Given | undefined> {
  const { default: _, ...others } = setting;
  return {
    ...others,
    optional: true,
    read: (given, context) =>
      given === undefined ? good(undefined) : setting.read(given, context),
  };
}

/** More names are no help, but to be looked up. */
const MOST_NAMED = 12;

/** What may have been meant by a name that is not there: one like it, or all of a few. */
function insteadOf(name: string, declared: Settings): string {
  const near = nearest(name, Object.keys(declared));
  if (near !== undefined) return `; did you mean ${near}?`;
  const usual = Object.entries(declared).flatMap(([one, { advanced }]) =>
    advanced === true ? [] : [one],
  );
  return usual.length === 0 || usual.length > MOST_NAMED ? '' : `; known: ${usual.join(', ')}`;
}

/** Reads a block by its declaration: reports every problem at once, each with its path below the block. */
export function readFields<S extends Settings>(
  declared: S,
  given: Readonly<Record<string, unknown>>,
  context: ReadContext,
): Read<ValuesOf<S>> {
  const problems: SettingProblem[] = [];
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue;
    problems.push({ path: [name], problem: `no such setting${insteadOf(name, declared)}` });
  }
  for (const [name, setting] of Object.entries(declared)) {
    const input = given[name] ?? setting.default;
    if (input === undefined && setting.optional !== true) {
      problems.push({ path: [name], problem: `is required. ${setting.help}` });
      continue;
    }
    const read = setting.read(input, context);
    if (read.ok) values[name] = read.value;
    else problems.push(...read.problems.map((one) => ({ ...one, path: [name, ...one.path] })));
  }
  return problems.length > 0 ? { ok: false, problems } : good(values as ValuesOf<S>);
}
