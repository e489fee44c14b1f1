import type { OutboundAdapter } from '../adapter/adapter.ts';
import type { Doubts } from '../flow/doubts.ts';
import type { SettledMemory } from '../flow/settled-memory.ts';
import type { RetryPolicy } from '../time/back-off.ts';
import type { OtherLines } from './other-lines.ts';

/** What an operation is made of. */
export interface OperationParts {
  readonly name: string;
  readonly adapter: OutboundAdapter;
  readonly settings: Readonly<Record<string, unknown>>;
  /** The streams of its queue: one, or one a partition. */
  readonly streams: readonly string[];
  /** What its queue has beside them: lines of an earlier order. */
  readonly others: OtherLines;
  readonly settled: SettledMemory;
  /** How many messages at once from each stream. */
  readonly pool: number;
  /** One strict line: sent by the one engine that holds its lease, which reads ahead. */
  readonly line: boolean;
  readonly retry: RetryPolicy;
  readonly timeout: number;
  readonly replies: Readonly<Record<string, string | readonly string[]>>;
  /** Who gets each answer as a message of its own. */
  readonly answersTo: readonly string[];
  readonly doubts: Doubts;
  /** Reads what others settled lately into `settled`. */
  readonly recall: () => Promise<void>;
  /** Switches the host off durably: it stopped itself. */
  readonly disable: (reason: string) => Promise<void>;
  /** Set while nothing goes out: each message is set aside. */
  readonly testing: () => { readonly by: string; readonly reason: string } | undefined;
}
