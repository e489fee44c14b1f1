import type { Message } from '../../../src/api/contract/message.ts';

/** The background colour of a status that is drawn without text. */
export const STATUS_TONES = {
  queued: 'bg-info',
  retrying: 'bg-warn',
  completed: 'bg-good',
  discarded: 'bg-idle',
  error: 'bg-bad',
  suspended: 'bg-held',
} as const satisfies Record<Message['status'], string>;
