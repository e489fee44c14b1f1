import { Command, CommanderError } from 'commander';
import { commands } from './cli/commands.ts';
import { explainError, hearUnwritten, say } from './cli/output.ts';
import { endWithParent } from './cli/own-process.ts';
import { packageJson } from './cli/packaged.ts';
import { shownPasswords } from './cli/secret-url.ts';

hearUnwritten();
endWithParent();

const program = new Command('waybill')
  .description('An integration engine for hospitals.')
  .version(packageJson().version)
  .showSuggestionAfterError()
  // each command parses what follows its name
  .enablePositionalOptions()
  .showHelpAfterError('(waybill --help lists the commands)')
  .exitOverride();
for (const command of await commands(process.argv[2])) program.addCommand(command);

for (const text of shownPasswords(process.argv)) say(text);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = error instanceof CommanderError ? error.exitCode : explainError(error);
  // an open connection must not keep a failed command alive
  setTimeout(() => process.exit(), 2_000).unref();
}
