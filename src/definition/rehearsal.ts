import type { Envelope } from '../message/message.ts';
import type { Explanation, RecordedError } from '../message/record.ts';

/** A message that a service accepted, to be tried with the current files. Its body is sent alongside. */
export interface RehearsalRequest extends Pick<Envelope, 'type' | 'name' | 'charset'> {
  readonly service: string;
  /** When it arrived: expressions see that time, so that they write now what they wrote then. */
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
