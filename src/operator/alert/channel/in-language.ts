import type { AlertSettings } from '../../../access/sign-in/alert-settings.ts';
import { inGerman } from '../../../translation/german.ts';
import type { AlertChannel, AlertNews } from './channel.ts';

/** The channel with the texts for people in a language; what programs read, such as keys and rules, stays. */
export function inLanguage(
  channel: AlertChannel,
  language: AlertSettings['language'],
): AlertChannel {
  if (language === 'en') return channel;
  return { ...channel, send: (news, signal) => channel.send(german(news), signal) };
}

const german = (news: AlertNews): AlertNews => ({
  ...news,
  subject: inGerman(news.subject),
  text: inGerman(news.text),
  alerts: news.alerts.map((one) => ({ ...one, text: inGerman(one.text) })),
});
