import { type AlertSettings, kindOf } from '../../../access/sign-in/alert-settings.ts';
import { describeError } from '../../../error/engine-error.ts';
import type { Engines } from '../../engines.ts';
import type { AlertChannel } from './channel.ts';
import { mailChannel } from './mail.ts';
import { webhookChannel } from './webhook.ts';

/** An operation of the production: what it sends is queued, retried and traced like every message. */
export function operationChannel(
  name: string,
  operation: string,
  engines: Pick<Engines, 'notify'>,
): AlertChannel {
  return {
    name,
    kind: 'operation',
    async send({ key, subject, text, link }) {
      try {
        const { messageId } = await engines.notify({
          to: [operation],
          subject,
          text: link === undefined ? text : `${text}\n\n${link}`,
          key,
        });
        return { accepted: true, messageId };
      } catch (error) {
        return {
          accepted: false,
          cause: `no engine has sent it: ${describeError(error).text}`,
          remedy: `Check that an engine runs and has the operation ${operation}`,
        };
      }
    },
  };
}

/** The channels of `console.yaml` by name. */
export function openChannels(
  { channels }: Pick<AlertSettings, 'channels'>,
  engines: Pick<Engines, 'notify'>,
): Map<string, AlertChannel> {
  return new Map(
    Object.entries(channels).flatMap(([name, settings]) => {
      const { operation, mail, headers = {} } = settings;
      const kind = kindOf(settings);
      if (mail !== undefined) return [[name, mailChannel(name, mail)]];
      if (operation !== undefined) return [[name, operationChannel(name, operation, engines)]];
      if (kind === undefined || kind === 'operation' || kind === 'mail') return [];
      const url = settings[kind];
      return url === undefined ? [] : [[name, webhookChannel({ name, kind, url, headers })]];
    }),
  );
}
