import type { Message } from '../../../src/api/contract/message.ts';

/** The background of a status where it is drawn without words. */
export const STATUS_TONES = {
  queued: 'bg-info',
  retrying: 'bg-warn',
  completed: 'bg-good',
  discarded: 'bg-idle',
  error: 'bg-bad',
  suspended: 'bg-held',
} as const satisfies Record<Message['status'], string>;
