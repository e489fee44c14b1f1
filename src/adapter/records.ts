/**
 * What adapters keep beside messages, durable and the same for every engine. Each record changes by compare-and-set:
 * whoever was slower reads again.
 */
export interface Records {
  read<Value>(key: string): Promise<RecordEntry<Value>>;
  /**
   * Replaces what was read, or removes it if there is no value. Resolves to the revision that it has then, by which it can
   * be replaced again without a reading; undefined if it has changed meanwhile.
   */
  replace<Value>(
    key: string,
    before: Pick<RecordEntry<Value>, 'revision'>,
    value: Value | undefined,
  ): Promise<number | undefined>;
  /** All records whose key begins so. It reads every record of the production: for what happens seldom. */
  all<Value>(prefix: string, signal: AbortSignal): AsyncGenerator<FoundRecord<Value>>;
}

export interface RecordEntry<Value> {
  readonly value: Value | undefined;
  /** 0 if there has never been one. */
  readonly revision: number;
}

export interface FoundRecord<Value> extends RecordEntry<Value> {
  readonly key: string;
  readonly value: Value;
}
