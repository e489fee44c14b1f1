import type { MessagePage } from '../../../src/api/contract/message.ts';
import { t } from '../language/translate.ts';
import { moment } from './time-text.ts';

/** That what is found is no proof while a search field is new. */
export const indexingText = ({ backTo, fields }: NonNullable<MessagePage['indexing']>): string =>
  t('Messages before {time} are still being indexed and may not be found by {fields} yet.', {
    time: moment(backTo),
    fields: fields.join(', '),
  });
