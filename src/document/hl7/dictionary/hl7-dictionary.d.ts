/** The parts of the package `hl7-dictionary` that the generator reads; it has no types of its own. */
declare module 'hl7-dictionary' {
  export interface SourceField {
    readonly datatype: string;
    readonly desc: string;
    /** 1 optional, 2 required, 3 kept for older versions, 4 withdrawn. */
    readonly opt: number;
    /** 0 any number, 1 one, n up to n. */
    readonly rep: number;
    readonly len?: number;
    readonly table?: number;
  }

  export interface SourceNode {
    readonly name: string | null;
    readonly min: number;
    /** 0: any number. */
    readonly max: number;
    readonly children?: readonly SourceNode[];
    readonly compounds?: readonly SourceNode[];
  }

  export interface SourceDefinition {
    readonly segments: Readonly<
      Record<string, { readonly desc: string; readonly fields: readonly SourceField[] }>
    >;
    readonly fields: Readonly<
      Record<string, { readonly desc: string; readonly subfields?: readonly SourceField[] }>
    >;
    readonly messages: Readonly<
      Record<
        string,
        {
          readonly desc: string;
          readonly segments: { readonly segments: readonly SourceNode[] };
        }
      >
    >;
  }

  const source: {
    readonly definitions: Readonly<Record<string, SourceDefinition>>;
    readonly tables: Readonly<
      Record<string, { readonly desc: string; readonly values?: Readonly<Record<string, string>> }>
    >;
  };
  export default source;
}
