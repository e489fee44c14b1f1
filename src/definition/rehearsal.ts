import type { Envelope } from '../message/message.ts';
import type { Explanation, RecordedError } from '../message/record.ts';
import type { FileEdit } from './history/checked-files.ts';

/** A message that a service accepted, to be tried with the current files. Its body is sent alongside. */
export interface RehearsalRequest extends Pick<Envelope, 'type' | 'name' | 'charset'> {
  readonly service: string;
  /** When it arrived: expressions see that time, so that they write now what they wrote then. */
  readonly at: number;
  /**
   * Names one look at many messages: the files are read once for all of them, and the bodies that would be sent are left
   * out. Without it the files are read anew, and the bodies are there.
   */
  readonly run?: string | undefined;
  /** The run is of files as somebody would write them, who has not done so: an engine that does not know it needs `edits`. */
  readonly edited?: boolean | undefined;
  /** What differs from the files on disk. */
  readonly edits?: readonly FileEdit[] | undefined;
}

/** What would be sent, and what each process would decide. */
export interface Rehearsal {
  /** Of the files that were read; what `apply` expects. */
  readonly version: string;
  readonly sent: readonly RehearsedMessage[];
  readonly processes: readonly RehearsedProcess[];
}

export interface RehearsedMessage {
  readonly to: string;
  readonly type: string;
  readonly charset: string | undefined;
  /** Left out where many messages are tried. */
  readonly base64?: string | undefined;
  /** SHA-256 of the body, in hex. */
  readonly digest: string;
}

export interface RehearsedProcess {
  readonly process: string;
  readonly status: 'completed' | 'discarded' | 'suspended';
  readonly explain: Explanation | undefined;
  readonly error: RecordedError | undefined;
  /** Where its rules, their transforms and the tables these look into are written, for those that had a part in it. */
  readonly places: readonly DecidingPlace[];
}

/** A place in the files that had a part in what a message became. */
export interface DecidingPlace {
  readonly what: 'rule' | 'transform' | 'lookup';
  readonly name: string;
  /** Below the production's folder. */
  readonly file: string;
  readonly line: number;
  /** Whom it leads to. */
  readonly to: readonly string[];
}

/** What messages would become alike. */
export interface RehearsedGroup {
  /**
   * `goes`: something would be sent; `nowhere`: the rules send it to nobody; `fails`: a rule, transform or code still
   * fails; `untried`: it could not be tried.
   */
  readonly kind: 'goes' | 'nowhere' | 'fails' | 'untried';
  /** Whom it would be sent to, by name. */
  readonly to: readonly string[];
  /**
   * What the message's own target would get: something else than it got, the same again, or nothing. Undefined where the
   * message did not reach its target, such as one that failed in a process.
   */
  readonly own?: 'changed' | 'same' | 'nothing' | undefined;
  /** Of what a service took in: whether all its targets would get the same as then, other contents, or whether they are others. */
  readonly whole?: 'same' | 'changed' | 'elsewhere' | undefined;
  /** With `whole`: whom it was sent to then. */
  readonly went?: readonly string[] | undefined;
  /** Of a failure: where. */
  readonly host?: string | undefined;
  readonly code?: string | undefined;
  /** Why it fails or could not be tried, without ids, names and numbers. */
  readonly cause?: string | undefined;
  readonly count: number;
  /** Some of the messages. */
  readonly sample: readonly number[];
  /** What a service took in, of the first of them: it can be looked at by itself. */
  readonly original?: number | undefined;
  /** Where in the files it is decided. */
  readonly places: readonly DecidingPlace[];
}

/** What was found out of some messages. */
export interface RehearsedPart {
  readonly groups: readonly RehearsedGroup[];
  /** How many messages were tried, in the order of the list. */
  readonly done: number;
  /** Of the files; undefined where nothing could be tried. */
  readonly version: string | undefined;
  /** Set where the code of the files ran on and on for the last of them: whether to go on is for a person to say. */
  readonly stuck: boolean;
}
