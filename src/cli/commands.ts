import type { Command } from 'commander';
import { applyCommand } from './apply.ts';
import { replayCommand, resendCommand } from './resend.ts';
import { runCommand } from './run.ts';
import { statusCommand } from './status.ts';
import { retryCommand, startCommand, stopCommand } from './switch.ts';
import { tryCommand } from './try.ts';

/** Every command, in the order of `--help`. */
export function commands(): Command[] {
  return [
    runCommand(),
    applyCommand(),
    statusCommand(),
    startCommand(),
    stopCommand(),
    retryCommand(),
    resendCommand(),
    replayCommand(),
    tryCommand(),
  ];
}
