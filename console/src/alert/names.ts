import type { Alert, OnCall } from '../../../src/api/contract/alert.ts';
import { t } from '../language/translate.ts';

type State = NonNullable<Alert['told']>[number]['state'];

/** What became of something that was sent. */
export const DELIVERY_NAMES: Readonly<Record<State, string>> = {
  due: t('to be sent'),
  sending: t('is being sent'),
  sent: t('on its way'),
  delivered: t('delivered ## an alert'),
  failed: t('failed ## an alert'),
};

export const DELIVERY_TONES: Readonly<Record<State, string>> = {
  due: 'text-ink-2',
  sending: 'text-ink-2',
  sent: 'text-ink-2',
  delivered: 'text-good',
  failed: 'text-bad',
};

export const KIND_NAMES: Readonly<Record<OnCall['channels'][number]['kind'], string>> = {
  operation: t('operation of the production'),
  webhook: t('Webhook'),
  teams: t('Teams'),
  slack: t('Slack'),
  mail: t('mail of the console'),
};
