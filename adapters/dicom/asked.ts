import type { Command } from './command.ts';

/** A query, and how much of its answer is wanted. */
export interface Asked {
  readonly classUid: string;
  /** The keys, in the encoding that was agreed. */
  identifier(transferSyntax: string): Buffer;
  /** At one result more, or so many bytes, the query is cancelled. */
  readonly most: number;
  readonly mostBytes: number;
}

/** The results of a query, in the encoding that was agreed. */
export interface Results {
  /** The last status, with the peer's comment. */
  readonly command: Command;
  readonly transferSyntax: string;
  readonly dataSets: readonly Buffer[];
  /** Whether there were more. */
  readonly more: boolean;
}
