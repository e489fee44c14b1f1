import type { Access } from './caller/authorize.ts';
import type { BodyCheck } from './document/body-check.ts';
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

export type BodyProblems = readonly { readonly at: string; readonly problem: string }[];
