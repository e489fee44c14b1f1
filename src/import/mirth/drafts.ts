import type { ReportLine } from './report.ts';

/** A block of YAML. */
export type Block = Record<string, unknown>;

/** What a connector became. */
export interface HostDraft {
  readonly adapter: string;
  readonly settings: Block;
  /** Further keys of the host, such as `retry`. */
  readonly keys?: Block;
  /** The module of an adapter of the production's own: path → text. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What the importer of one connector may write down besides its host. */
export interface Notes {
  readonly add: (line: Pick<ReportLine, 'kind' | 'category' | 'text'>) => void;
  /** The name of a credential whose secret a person provides. */
  readonly credential: (hint: string, entry: Block) => string;
  /** Text with `${…}` of the configuration turned into those of the environment; undefined where a message decides. */
  readonly fixed: (text: string) => string | undefined;
}

/** An adapter that cannot be loaded until a person has written or chosen one. */
export function missingAdapter(file: string, what: string): Pick<HostDraft, 'adapter' | 'files'> {
  const text = `import { todo } from 'waybill/mirth';\n\nexport default todo([\n  ${JSON.stringify(what)},\n]);\n`;
  return { adapter: `./adapters/${file}.ts`, files: { [`adapters/${file}.ts`]: text } };
}
