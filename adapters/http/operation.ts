import type { Access, Incoming, RoutePattern } from 'waybill/peer/http-server';
import type { SignInAction } from './sign-in/sign-in-settings.ts';

/** What a service does at one path with one method. */
export interface Operation {
  /** Upper case. */
  readonly method: string;
  readonly pattern: RoutePattern;
  readonly access: Access;
  /** The accepted media types; all if empty. */
  readonly types: readonly string[];
  /** The check of a body with this media type; undefined if there is none. */
  readonly check: (type: string) => BodyCheck | undefined;
  readonly bodyRequired: boolean;
  /** Returns what is wrong with the parameters. */
  readonly parameters: (incoming: Incoming) => BodyProblems;
  /** What people do here to sign in or out; it makes no message. */
  readonly signIn?: SignInAction | undefined;
}

/** What is wrong with a value, and where in it. */
export type BodyProblems = readonly { readonly at: string; readonly problem: string }[];

/** Finds what is wrong with a JSON value: at most twenty places, without quoting the value. */
export type BodyCheck = (value: unknown) => BodyProblems;
