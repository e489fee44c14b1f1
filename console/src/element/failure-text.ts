import type { Message } from '../../../src/api/contract/message.ts';
import { serverText } from '../language/server-text.ts';

type Failure = Pick<NonNullable<Message['error']>, 'text' | 'said'>;

/** Why it failed, in one line: Waybill's text, then the receiver's. */
export const failureText = ({ text, said = '' }: Failure): string =>
  said === '' ? serverText(text) : `${serverText(text)}: ${said.replaceAll('\n', ' · ')}`;
