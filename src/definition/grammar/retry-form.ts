import { setting } from '../../adapter/index.ts';
import type { RetryPolicy } from '../../time/back-off.ts';
import { type BlockValues, block, type Fields } from '../form/block.ts';
import { type Form, type Reading, report } from '../form/form.ts';
import { textOf } from '../form/setting-form.ts';
import { valueAt, type Written } from '../written/written.ts';

/**
 * The policy if neither the operation nor its adapter sets one: the line is held and retried every
 * 5 s for an hour, then the message fails. HL7 over MLLP declares `for: forever`, as IRIS does with
 * its FailureTimeout of -1.
 */
const RETRY_DEFAULTS: RetryPolicy = {
  every: 5_000,
  for: 3_600_000,
  backoff: 1,
  max: 300_000,
  disconnected: Number.POSITIVE_INFINITY,
};

/** A number between two bounds, not necessarily whole. */
function decimal(bounds: { readonly least: number; readonly most: number }): Form<number> {
  return {
    read(written, reading) {
      const text = written.kind === 'scalar' ? (textOf(written) ?? '') : '';
      const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
      if (value >= bounds.least && value <= bounds.most) return value;
      const what = `must be a number from ${bounds.least} to ${bounds.most}`;
      return report(reading, written.place, what);
    },
    schema: () => ({ type: ['number', 'string'], minimum: bounds.least, maximum: bounds.most }),
  };
}

const KEYS = {
  every: setting.optional(
    setting.duration({ help: 'The wait before the next try. Default 5s.', example: '5s' }),
  ),
  for: setting.optional(
    setting.duration({
      help: 'How long to try, counted from the first try; time without a connection, or in which no token can be had for it, does not count. Default forever for HL7 over MLLP, otherwise 1h.',
      example: 'forever',
    }),
  ),
  backoff: {
    form: decimal({ least: 1, most: 100 }),
    help: 'The factor by which each wait grows. Default 1.0.',
    example: '2.0',
  },
  max: setting.optional(
    setting.duration({ help: 'The longest wait between two tries. Default 5m.', example: '5m' }),
  ),
  disconnected: setting.optional(
    setting.duration({
      help: 'How long a message waits for a connection before it fails. Default forever.',
      example: '30m',
    }),
  ),
} as const satisfies Fields;

const keys = block(KEYS);

export type RetryGiven = Partial<RetryPolicy>;

/** `retry: { every, for, backoff, max, disconnected }`: as written, without defaults. */
export const retryForm: Form<RetryGiven> = {
  read(written, reading) {
    const given = keys.read(written, reading);
    if (given === undefined) return undefined;
    checkSense(given, written, reading);
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  },
  schema: keys.schema,
  fields: KEYS,
};

function checkSense(given: BlockValues<typeof KEYS>, written: Written, reading: Reading): void {
  const { every, max } = given;
  const at = (key: string) => valueAt(written, [key])?.place ?? written.place;
  if (every === Number.POSITIVE_INFINITY) {
    report(reading, at('every'), 'every cannot be forever', 'Give a wait such as 5s.');
  } else if (every === 0) {
    report(reading, at('every'), 'every cannot be zero', 'Give a wait such as 1s.');
  }
  if (max !== undefined && every !== undefined && max < every) {
    report(reading, at('max'), 'max is shorter than every', 'Raise max or lower every.');
  }
  const { for: time } = given;
  const wait = every ?? RETRY_DEFAULTS.every;
  if (time !== undefined && time > 0 && time < wait) {
    const remedy = 'Raise for, lower every, or write for: 0s to never try again.';
    report(reading, at('for'), 'for ends before the first retry', remedy);
  }
}

/** The policy of an operation: its own values first, then its adapter's, then the general ones. */
export function retryPolicy(
  given: RetryGiven | undefined,
  adapter: RetryGiven | undefined,
): RetryPolicy {
  const policy = { ...RETRY_DEFAULTS, ...adapter, ...given };
  return { ...policy, max: Math.max(policy.max, policy.every) };
}
