import { t } from '../language/translate.ts';

/** What somebody did that showed a patient, by the action in the audit log. */
export const ACTS: Readonly<Record<string, string>> = {
  'message.view': t('opened the content'),
  'message.download': t('downloaded the content'),
  'message.trace': t('looked at the session'),
  'message.metadata': t('looked at the message'),
  'message.search': t('searched for the patient'),
  'message.find': t('searched for the patient'),
  'message.listed': t('had the patient in a list'),
  'message.export': t('exported a search for the patient'),
  'message.exported': t('exported a list with the patient'),
  'message.rehearse': t('tried the files on the message'),
  'message.resend': t('resent the message'),
  'message.edit_resend': t('edited and resent the message'),
  'message.reprocess': t('processed the message again'),
  'message.discard': t('discarded the message'),
  'message.abort': t('aborted the message'),
};
