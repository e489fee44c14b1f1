import type { Acknowledgements } from './acknowledgement.ts';
import type { DataSettings, DataType } from './data-type.ts';
import type { Incoming } from './incoming.ts';

/** A script of a channel. */
export type Script = () => unknown;

/** A filter and a transformer, of the source or of a destination. */
export interface Stage {
  readonly inbound: DataType;
  readonly outbound: DataType;
  readonly inboundSettings?: DataSettings;
  readonly outboundSettings?: DataSettings;
  /** Returns true for a message that passes. */
  readonly filter?: Script;
  readonly transformer?: Script;
  /** The initial value of `tmp`. */
  readonly outboundTemplate?: string;
}

export interface Destination extends Stage {
  readonly name: string;
  /** Its number in the channel: `d1` is that of 1. */
  readonly number: number;
  /** The operation or process that gets it; left out if only a script is run. */
  readonly to?: string;
  /** What is sent, with `${…}` for variables; if left out, the output of the transformer. */
  readonly template?: string;
  /** What is sent instead, as JSON: names of values → templates. */
  readonly values?: Readonly<Record<string, string>>;
  /** What is sent instead, as a web form: names of fields and their templates. */
  readonly form?: readonly (readonly [string, string])[];
  /** The label of what is sent, such as a file's name. */
  readonly label?: string;
  readonly type?: string;
  /** The body is Base64 of what is sent. */
  readonly binary?: boolean;
  /** The encoding of what is sent; UTF-8 if left out. */
  readonly charset?: 'ISO-8859-1';
  /** Does not wait for the destination before it: a failure there leaves it alone, and its maps are its own. */
  readonly apart?: boolean;
  /** Waits for the answer. */
  readonly call?: boolean;
  /** Milliseconds to wait for it. */
  readonly timeout?: number;
  /** What a JavaScript Writer runs. */
  readonly writer?: Script;
  /** Runs on the answer, with `msg` and `response`. */
  readonly response?: Stage;
  /** Variables that the next channel finds in its source map. */
  readonly pass?: readonly string[];
}

export interface Channel {
  readonly name: string;
  readonly id: string;
  readonly source: Stage & Incoming;
  readonly destinations: readonly Destination[];
  readonly preprocessor?: Script;
  readonly postprocessor?: Script;
  /** Runs before the first message in each engine. */
  readonly deploy?: Script;
  /** The server's scripts for all channels: they run before the channel's own, the postprocessor after it. */
  readonly global?: Readonly<Partial<Record<'preprocessor' | 'postprocessor' | 'deploy', Script>>>;
  /** What the sender is answered: a name in the response map such as `d1`, `postprocessor`, or `auto` for an HL7 acknowledgement. */
  readonly answer?: string;
  /** Whether `auto` says what the destinations did, not only the source. */
  readonly answersForDestinations?: boolean;
  /** Codes and texts of `auto` that are not the usual ones. */
  readonly acknowledgements?: Acknowledgements;
  readonly answerType?: string;
  readonly answerCode?: string;
  /** Names and ids of channels → their processes, for `router.routeMessage`. */
  readonly channels?: Readonly<Record<string, string>>;
  /** Whether its scripts are asynchronous: they wait for a database, a pause or another channel’s answer. */
  readonly waits?: boolean;
}
