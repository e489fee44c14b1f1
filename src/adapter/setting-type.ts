import type { Message } from '../message/message.ts';
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

type GivenOf<T> = T extends { readonly given?: infer Given } ? Given : never;
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
