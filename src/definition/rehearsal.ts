import type { Envelope } from '../message/message.ts';
import type { Explanation, RecordedError } from '../message/record.ts';

/** A message that a service took, to be tried with what the files say now. Its body travels beside it. */
export interface RehearsalRequest extends Pick<Envelope, 'type' | 'name' | 'charset'> {
  readonly service: string;
  /** When it came: expressions see that time, so that what they wrote then is what they write now. */
  readonly at: number;
}

/** What would be sent, and what each process would decide. */
export interface Rehearsal {
  readonly sent: readonly RehearsedMessage[];
  readonly processes: readonly RehearsedProcess[];
}

export interface RehearsedMessage {
  readonly to: string;
  readonly type: string;
  readonly charset: string | undefined;
  readonly base64: string;
}

export interface RehearsedProcess {
  readonly process: string;
  readonly status: 'completed' | 'discarded' | 'suspended';
  readonly explain: Explanation | undefined;
  readonly error: RecordedError | undefined;
}
