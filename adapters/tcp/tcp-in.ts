import { inbound, type SettingsFault } from 'waybill/adapter';
import { arrivalFaults, openArrival, SenderConnection, tryArrival } from 'waybill/peer';
import { framingFaults } from './framing-settings.ts';
import { type TcpInValues, tcpInSettings } from './tcp-in-settings.ts';
import { TcpIntake } from './tcp-intake.ts';

export default inbound({
  type: 'tcp-in',
  title: 'TCP, listening or connecting to the sender',
  summary:
    'Receives messages in any framing (lines, marks such as STX and ETX, a length before each, fixed length) over TCP, with or without answering.',
  settings: tcpInSettings,
  // The sender has only one connection: two engines would take it from each other.
  pollsWith: ({ callOut }) => callOut !== undefined,
  check: (settings) => Promise.resolve(tcpInFaults(settings)),
  async open(lent) {
    const service = new TcpIntake(lent);
    const open = await openArrival(
      lent,
      (socket, sender, isNews) => new SenderConnection(socket, { lent, service, sender, isNews }),
    );
    return {
      close() {
        service.stop();
        return open.close();
      },
    };
  },
  test: (lent, step) => tryArrival(lent, step),
});

function tcpInFaults(settings: TcpInValues): SettingsFault[] {
  const { callOut, closeAfterEach, framing, answer, acknowledge, repetitions } = settings;
  const faults = [...framingFaults(settings), ...arrivalFaults(settings)];
  const wrong = (path: string, what: string, remedy: string): void => {
    faults.push({ path: [path], what, remedy });
  };
  if (callOut !== undefined && closeAfterEach) {
    wrong('closeAfterEach', 'does not go with callOut', 'Remove it: the connection is kept.');
  }
  if (callOut !== undefined && framing === 'closed') {
    wrong('framing', 'closed does not go with callOut', 'Choose another framing, or listen.');
  }
  if (answer !== 'stored' && acknowledge !== 'none') {
    wrong('acknowledge', `does not go with answer: ${answer}`, 'Set answer: stored.');
  }
  if (answer === 'none' && repetitions === 'once') {
    faults.push({
      path: ['repetitions'],
      what: 'a sender that gets no answer has no reason to repeat a message: two equal ones may both be meant',
      remedy: 'Set repetitions: each, or an answer.',
      severity: 'warning',
    });
  }
  return faults;
}
