import type { Access } from './caller/authorize.ts';
import type { Incoming } from './incoming.ts';
import type { RoutePattern } from './route-pattern.ts';

/** What one service does at one path with one method. */
export interface Operation {
  /** Upper case. */
  readonly method: string;
  readonly pattern: RoutePattern;
  readonly access: Access;
  /** The media types that are taken; empty takes all. */
  readonly types: readonly string[];
  /** The check of a body of this media type; undefined where there is none. */
  readonly check: (type: string) => BodyCheck | undefined;
  readonly bodyRequired: boolean;
  /** What is wrong with the parameters. */
  readonly parameters: (incoming: Incoming) => BodyProblems;
}

/** What is wrong with a value, and where in it. */
export type BodyProblems = readonly { readonly at: string; readonly problem: string }[];

/** Finds what is wrong with a JSON value: at most twenty places, without a word of the value itself. */
export type BodyCheck = (value: unknown) => BodyProblems;
