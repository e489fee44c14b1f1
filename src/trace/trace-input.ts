import type { Envelope } from '../message/message.ts';
import type { JournalEntry } from '../message/record.ts';

/** One input of the trace. The projector's source makes these from the streams. */
export type TraceInput = MessageInput | EntryInput;

/** A message found in a queue, or among the suspended ones. */
export interface MessageInput {
  readonly kind: 'message';
  readonly envelope: Envelope;
  /** The status that this proves; a known outcome takes precedence. */
  readonly status: 'queued' | 'suspended';
  readonly body?: Uint8Array | undefined;
  /** The object store's key, for a body above the inline limit. */
  readonly bodyRef?: string | undefined;
  /** Its position in its queue, which `settleByFloor` compares with the worker's acknowledgements. */
  readonly queue?: QueuePlace | undefined;
  readonly warning?: string | undefined;
  readonly keys?: readonly SearchKey[] | undefined;
}

/** An entry of the journal. */
interface EntryInput {
  readonly kind: 'entry';
  readonly entry: JournalEntry;
  readonly keys?: readonly SearchKey[] | undefined;
}

export interface QueuePlace {
  readonly stream: string;
  readonly sequence: number;
}

/** Used as the stream of a message that waits outside its queue, for a time or an answer. */
export const WAITING = 'waiting';

export const isSetAside = (place: QueuePlace | undefined): boolean => place?.stream === WAITING;

/** A search field's name and one value, read from a body by `searchFields`. */
export interface SearchKey {
  readonly name: string;
  readonly value: string;
}
