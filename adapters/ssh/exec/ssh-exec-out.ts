import { DisableError, outbound } from 'waybill/adapter';
import { ExecPool } from './exec-pool.ts';
import { ExecSender } from './exec-sender.ts';
import { execFaults, execSettings } from './exec-settings.ts';
import { tryExec } from './exec-test.ts';

const AGAIN = ['retry', 'suspend'];

export default outbound({
  type: 'ssh-exec-out',
  title: 'Commands on a server, by SSH',
  summary:
    'Runs a command on an SSH server for each message, with its values as arguments and its body as input, and returns what the command wrote.',
  settings: execSettings,
  replies: {
    0: 'complete',
    MORE: ['complete', 'warn'],
    // of sysexits.h: a service or the system cannot now, try again later
    69: AGAIN,
    71: AGAIN,
    74: AGAIN,
    75: AGAIN,
    // every message would be refused: not executable, not found
    126: 'stop',
    127: 'stop',
    ASKED: 'suspend',
    other: 'suspend',
  },
  check: (settings) => Promise.resolve(execFaults(settings)),
  async open(lent) {
    for (const { path, what, remedy } of execFaults(lent.settings)) {
      throw new DisableError(`${path.join('.')} ${what}. ${remedy}`);
    }
    const pool = new ExecPool(lent);
    try {
      await pool.open();
    } catch (error) {
      await pool.close();
      throw error;
    }
    return new ExecSender(lent, pool);
  },
  test: tryExec,
});
