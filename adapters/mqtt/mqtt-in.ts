import { inbound, type LentInbound, type SettingsFault, setting } from 'waybill/adapter';
import { keptOpen } from 'waybill/peer';
import { MqttReader } from './mqtt-reader.ts';
import { mqttSettings, qos, topicFilter } from './mqtt-settings.ts';
import { tryMqtt } from './mqtt-test.ts';

export const mqttInSettings = {
  ...mqttSettings,
  topics: setting.list(
    topicFilter({ help: 'A topic; + is one level and # the rest.', example: 'lab/+/results' }),
    { help: 'The topics whose messages are taken.', example: '["lab/+/results"]' },
  ),
  qos: qos(
    'With which quality of service they are asked for. A broker hands each out with that of its sender at most.',
  ),
  share: setting.optional(
    setting.text({
      help: 'The name of a shared subscription: each message goes to one of all clients that share it.',
      example: 'hubs',
      advanced: true,
    }),
  ),
  clientId: setting.optional(
    setting.text({
      help: 'The name of the session in which the broker keeps messages for us while we are away. Each client needs its own. Left out, it is that of the production with that of the service.',
      example: 'hub-results',
      advanced: true,
    }),
  ),
  session: setting.duration({
    help: 'How long the broker keeps the session while we are away, in MQTT 5; with 3.1.1 it decides itself.',
    default: '7d',
    advanced: true,
  }),
  retained: setting.choice(
    {
      new: 'Once, when a topic is subscribed to for the first time',
      none: 'Not at all: what was sent before is no news',
    },
    {
      help: 'Whether what a broker has retained as the last message of a topic is taken.',
      default: 'new',
      advanced: true,
    },
  ),
  type: setting.optional(
    setting.text({
      help: 'The type of the messages. Left out, it is what their content type says (MQTT 5), else that of the bytes.',
      example: 'application/json',
    }),
  ),
  atOnce: setting.integer({
    help: 'How many messages the broker hands out before the first of them is acknowledged (MQTT 5).',
    default: 20,
    minimum: 1,
    maximum: 65_535,
    advanced: true,
  }),
};

export type MqttInLent = LentInbound<typeof mqttInSettings>;
export type MqttInValues = setting.ValuesOf<typeof mqttInSettings>;

export default inbound({
  type: 'mqtt-in',
  title: 'MQTT, receiving',
  summary:
    'Takes the messages of topics of an MQTT broker, in a session that keeps them while we are away, and acknowledges each once it is stored.',
  settings: mqttInSettings,
  // a session has one client
  polling: true,
  check: (settings) => Promise.resolve(mqttInFaults(settings)),
  open: (lent) => keptOpen(lent, (signal) => MqttReader.open(lent, signal)),
  test: (lent, step) => tryMqtt(lent, step),
});

export function mqttInFaults({ topics, share }: MqttInValues): SettingsFault[] {
  const faults: SettingsFault[] = [];
  if (topics.length === 0) {
    faults.push({ path: ['topics'], what: 'is empty', remedy: 'Name at least one topic.' });
  }
  if (share !== undefined && /[/+#]/.test(share)) {
    faults.push({ path: ['share'], what: 'has a /, + or #', remedy: 'Use a plain name.' });
  }
  return faults;
}
