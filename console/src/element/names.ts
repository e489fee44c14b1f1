import type { FieldDifference } from '../../../src/api/contract/body.ts';
import type { HostEvent } from '../../../src/api/contract/event.ts';
import type { Host } from '../../../src/api/contract/host.ts';
import type { Message } from '../../../src/api/contract/message.ts';
import { t } from '../language/translate.ts';

/** The console's words for values of the API. */
export const STATUS_NAMES = {
  queued: t('queued'),
  retrying: t('retrying'),
  completed: t('completed'),
  discarded: t('discarded'),
  error: t('error'),
  suspended: t('suspended'),
} as const satisfies Record<Message['status'], string>;

export const HEALTH_NAMES = {
  running: t('running'),
  retrying: t('retrying ## host'),
  disconnected: t('disconnected'),
  stopped: t('stopped'),
  off: t('switched off'),
  inline: t('inline'),
} as const satisfies Record<Host['health'], string>;

export const KIND_NAMES = {
  service: t('service'),
  process: t('process'),
  operation: t('operation'),
} as const satisfies Record<Host['kind'], string>;

export const LEVEL_NAMES = {
  info: t('info'),
  warn: t('warn'),
  error: t('error'),
} as const satisfies Record<HostEvent['level'], string>;

export const CHANGE_NAMES = {
  added: t('added'),
  removed: t('removed'),
  changed: t('changed'),
} as const satisfies Record<FieldDifference['change'], string>;
