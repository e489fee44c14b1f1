import { type Lent, outbound, type SettingsFault, setting } from 'waybill/adapter';
import { namedTemplate } from 'waybill/peer';
import { MqttSender } from './mqtt-sender.ts';
import { mqttSettings, qos, topicTemplate } from './mqtt-settings.ts';
import { tryMqtt } from './mqtt-test.ts';

export const mqttOutSettings = {
  ...mqttSettings,
  topic: topicTemplate({
    help: 'The topic of each message, with expressions in braces. What a value has that cannot stand in one level of a topic (/, + and #) becomes _.',
    example: 'hub/{field("MSH-4")}/results',
  }),
  qos: qos('With which quality of service messages are sent.'),
  retain: setting.flag({
    help: 'Whether the broker keeps each as the last message of its topic, for who subscribes later.',
    default: false,
  }),
  properties: setting.list(
    namedTemplate(
      'A user property as Name: value; the value may have expressions in braces.',
      'patient: {field("PID-3.1")}',
    ),
    { help: 'User properties of each message, in MQTT 5.', example: 'patient: {field("PID-3.1")}' },
  ),
  expiration: setting.optional(
    setting.duration({
      help: 'After how long the broker forgets a message that nobody took, in MQTT 5. Whole seconds.',
      example: '1h',
      advanced: true,
    }),
  ),
  timeout: setting.duration({
    help: 'How long the acknowledgement of the broker is waited for.',
    default: '20s',
  }),
};

export type MqttOutLent = Lent<typeof mqttOutSettings>;
export type MqttOutValues = setting.ValuesOf<typeof mqttOutSettings>;

const AGAIN = ['retry', 'fail'];

export default outbound({
  type: 'mqtt-out',
  title: 'MQTT, sending',
  summary: 'Publishes each message on a topic of an MQTT broker, and is done once that has it.',
  settings: mqttOutSettings,
  replies: {
    OK: 'complete',
    // the broker has it, and nobody subscribes to its topic just now
    NOBODY: 'complete',
    FULL: AGAIN,
    // every message would be refused
    DENIED: 'stop',
    none: AGAIN,
    other: 'fail',
  },
  check: (settings) => Promise.resolve(mqttOutFaults(settings)),
  open: (lent) => MqttSender.open(lent),
  test: (lent, step) => tryMqtt(lent, step),
});

export function mqttOutFaults({ version, properties, expiration }: MqttOutValues): SettingsFault[] {
  if (version === '5') return [];
  const given = [
    ...(properties.length > 0 ? ['properties'] : []),
    ...(expiration === undefined ? [] : ['expiration']),
  ];
  const remedy = 'Remove it, or set version: 5.';
  return given.map((name) => ({ path: [name], what: 'is not in MQTT 3.1.1', remedy }));
}
