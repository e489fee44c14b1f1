/**
 * The life of a message on its leg.
 *
 *     queued ──► retrying ──► completed | error | suspended
 *        └──────────────────► completed | discarded | error | suspended
 *     suspended ──► discarded (a person discarded it, or resent it as a new message)
 *
 * A leg into an inline process is never queued: it is completed, discarded or suspended at once.
 */
export const STATUSES = [
  'queued',
  'retrying',
  'completed',
  'discarded',
  'error',
  'suspended',
] as const;

export type Status = (typeof STATUSES)[number];

/** What an operator looks for comes first. */
const WORST: readonly Status[] = [
  'error',
  'suspended',
  'retrying',
  'queued',
  'completed',
  'discarded',
];

/** Of several messages, the one that an operator looks for; undefined if there are none. */
export const worstOf = (messages: readonly { readonly status: Status }[]): Status | undefined =>
  WORST.find((one) => messages.some(({ status }) => status === one));

/** Outcomes: the message has left its queue. */
export type Outcome = Exclude<Status, 'queued' | 'retrying'>;
