import type { Explanation } from '../message/record.ts';

/** What the rules chose for one message, and why. */
export interface Decision {
  /** In the order of the rules; the same target through the same transforms stands here once. */
  readonly sends: readonly {
    readonly to: string;
    readonly transforms: readonly string[];
    readonly rule: string;
  }[];
  /**
   * `suspend`: a set that no rule of it took says so, and `sends` is empty, since a resend must repeat
   * no target. `send`: some of the sends are those of an `otherwise`. `discard`: nothing is sent.
   */
  readonly otherwise: 'discard' | 'suspend' | 'send' | undefined;
  readonly explanation: Explanation;
}
