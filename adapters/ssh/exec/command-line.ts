import { type Message, RejectedError } from 'waybill/adapter';
import type { ExecValues } from './exec-settings.ts';
import { shellWord } from './shell-word.ts';

/** The longest argument of Linux, which the whole line is for the shell of the user. */
const LONGEST = 128 * 1024 - 1;

/**
 * The shell ends after its command: the server passes signals on as long as the shell is there, and the command may
 * ignore the first.
 */
const OUTLIVES = 'trap : TERM';

/** The line that a shell of the server reads for a message. Throws RejectedError for a value that a line cannot contain. */
export async function commandLine(settings: ExecValues, message: Message): Promise<string> {
  const { command, environment, folder } = settings;
  const words = await argumentsOf(settings, message);
  const variables: string[] = [];
  for (const { name, value } of environment) {
    variables.push(`${name}=${shellWord(checked(await value.render(message), name))}`);
  }
  const steps = [
    OUTLIVES,
    ...(folder === undefined ? [] : [inFolder(checked(await folder.render(message), 'folder'))]),
    ...(variables.length === 0 ? [] : [`export ${variables.join(' ')}`]),
    [command.trim(), ...words.map(shellWord)].join(' '),
  ];
  const line = steps.join('; ');
  if (Buffer.byteLength(line) > LONGEST) {
    throw new RejectedError(
      `The command with its arguments has ${Buffer.byteLength(line)} bytes, and a server takes ${LONGEST} at most. Give it the content by stdin.`,
    );
  }
  return line;
}

/** The shell's own code for something not found; its words say that it was the folder. */
export const inFolder = (folder: string): string => `cd ${shellWord(rooted(folder))} || exit 127`;

/** `cd -` and `cd -L` are something else. */
const rooted = (folder: string): string => (folder.startsWith('-') ? `./${folder}` : folder);

async function argumentsOf(
  { command, arguments: templates }: ExecValues,
  message: Message,
): Promise<readonly string[]> {
  const words: string[] = [];
  const isSafe = /(?:^|\s)--(?:\s|$)/.test(command);
  for (const [index, template] of templates.entries()) {
    const word = checked(await template.render(message), `argument ${index + 1}`);
    if (
      word.startsWith('-') &&
      !isSafe &&
      !template.source.startsWith('-') &&
      !words.includes('--')
    ) {
      throw new RejectedError(
        `The value of argument ${index + 1} begins with a -, and the command would take it for an option. Correct the message, or write -- as an argument before it if the command knows that.`,
      );
    }
    words.push(word);
  }
  return words;
}

function checked(value: string, where: string): string {
  if (!value.includes('\0')) return value;
  throw new RejectedError(
    `The value of ${where} has a zero byte, which no command can be given. Correct the message, or change the expression.`,
  );
}
