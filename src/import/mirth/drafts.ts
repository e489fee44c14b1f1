import type { ReportLine } from '../report.ts';

/** A block of YAML. */
export type Block = Record<string, unknown>;

/** What a connector was turned into. */
export interface HostDraft {
  readonly adapter: string;
  readonly settings: Block;
  /** Further keys of the host, such as `retry`. */
  readonly keys?: Block;
  /** The module of a custom adapter: path → text. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What importing a connector may produce besides its host. */
export interface Notes {
  readonly add: (line: Pick<ReportLine, 'kind' | 'category' | 'text'>) => void;
  /** The name of a credential whose secret a person provides. */
  readonly credential: (hint: string, entry: Block) => string;
  /** Text whose `${…}` of the configuration are replaced by environment variables; undefined if it depends on the message. */
  readonly fixed: (text: string) => string | undefined;
  /** Reports an environment variable that a person must set; returns its name. */
  readonly environment: (name: string) => string;
}

/** What importing a source needs to know of its channel. */
export interface SourceContext extends Notes {
  readonly name: string;
  readonly answers: boolean;
  readonly inbound: string;
  /** The headers of a request that scripts may ask for. */
  readonly headers: readonly string[];
}

export interface DestinationContext extends Notes {
  readonly name: string;
  /** The data type of what is sent. */
  readonly outbound: string;
}

/** What a destination connector was turned into. */
export interface DestinationDraft {
  /** Its operation; none if it only runs a script or sends to another channel. */
  readonly host?: HostDraft;
  /** The id of the channel that a Channel Writer sends to. */
  readonly channel?: string;
  /** The script of a JavaScript Writer. */
  readonly script?: string;
  readonly template?: string;
  /** Sent instead of the message, as JSON: names → templates. */
  readonly values?: Readonly<Record<string, string>>;
  /** Sent instead of the message, as a web form: names of fields and their templates. */
  readonly form?: readonly (readonly [string, string])[];
  readonly label?: string;
  readonly type?: string;
  /** The encoding of what is sent, unless it is UTF-8. */
  readonly charset?: string;
  readonly pass?: readonly string[];
}

/** An adapter that cannot be loaded until a person has written or chosen one. */
export function missingAdapter(file: string, what: string): Pick<HostDraft, 'adapter' | 'files'> {
  const text = `import { todo } from 'waybill/mirth';\n\nexport default todo([\n  ${JSON.stringify(what)},\n]);\n`;
  return { adapter: `./adapters/${file}.ts`, files: { [`adapters/${file}.ts`]: text } };
}
