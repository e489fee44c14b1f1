import type { Command } from 'commander';
import { adaptersCommand } from './adapters.ts';
import { applyCommand } from './apply.ts';
import { checkCommand } from './check.ts';
import { demoCommand } from './demo/demo.ts';
import { findCommand } from './find.ts';
import { replayCommand, resendCommand } from './resend.ts';
import { runCommand } from './run.ts';
import { sandboxCommand } from './sandbox.ts';
import { secretCommand } from './secret.ts';
import { sendCommand } from './send.ts';
import { statusCommand } from './status.ts';
import { retryCommand, startCommand, stopCommand } from './switch.ts';
import { testCommand } from './test.ts';
import { traceCommand } from './trace.ts';
import { tryCommand } from './try.ts';

/** Every command, in the order of `--help`. */
export function commands(): Command[] {
  return [
    runCommand(),
    checkCommand(),
    testCommand(),
    applyCommand(),
    statusCommand(),
    startCommand(),
    stopCommand(),
    retryCommand(),
    findCommand(),
    traceCommand(),
    resendCommand(),
    replayCommand(),
    sendCommand(),
    tryCommand(),
    adaptersCommand(),
    secretCommand(),
    sandboxCommand(),
    demoCommand(),
  ];
}
