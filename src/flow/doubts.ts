/**
 * Which messages of a queue may have been sent before a crash: their peer may have answered, but
 * there is no outcome. Until they are settled they are sent marked as possible duplicates.
 */
export interface Doubts {
  /**
   * Nothing is known about what the queue had sent before this engine started: until `raise` is
   * called, anything may have been sent.
   */
  isWide(stream: string): boolean;
  /**
   * At most `most` of the messages in the stream up to `until` may have been sent. Earlier doubts
   * remain: an engine that takes over a line does not know about a consumer that was removed.
   */
  raise(stream: string, doubt: { readonly until: number; readonly most: number }): void;
  /** Called in the order of the queue, once for each message to be sent. */
  about(stream: string, sequence: number): boolean;
}

/** @param wide any number of earlier acknowledgements and outcomes may be lost */
export function doubts(wide = false): Doubts {
  const raised = new Map<string, { until: number; left: number }>();
  const known = new Set<string>();
  const isWide = (stream: string): boolean => wide && !known.has(stream);
  return {
    isWide,
    raise(stream, { until, most }) {
      const before = raised.get(stream) ?? { until: 0, left: 0 };
      raised.set(stream, {
        until: Math.max(before.until, until),
        left: Math.max(before.left, isWide(stream) ? Number.POSITIVE_INFINITY : most),
      });
      known.add(stream);
    },
    about(stream, sequence) {
      const doubt = raised.get(stream);
      if (doubt === undefined) return false;
      doubt.left -= 1;
      if (doubt.left <= 0 || sequence >= doubt.until) raised.delete(stream);
      return sequence <= doubt.until;
    },
  };
}
