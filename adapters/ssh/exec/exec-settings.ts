import { type SettingsFault, setting } from 'waybill/adapter';
import { pattern, patternProblem } from 'waybill/document';
import { sshSettings } from '../ssh-settings.ts';
import { unfinished } from './shell-word.ts';

/** `NAME=value`, where the value is a template. */
export interface VariableTemplate {
  readonly name: string;
  readonly value: setting.Template;
}

const variable: setting.Setting<VariableTemplate, string> = {
  kind: 'template',
  help: 'A variable as NAME=value; the value may have expressions in braces.',
  example: 'MESSAGE_ID={id}',
  read: (given, context) => {
    const [, name, value] =
      typeof given === 'string' ? (/^([A-Za-z_]\w*)=([^]*)$/.exec(given) ?? []) : [];
    if (name === undefined || value === undefined) {
      return setting.bad('must be a variable such as MESSAGE_ID={id}');
    }
    const read = context.template(value);
    return read.ok ? setting.good({ name, value: read.value }) : read;
  },
};

/** Whether what a command has written since the last end of a line fits. */
type PromptPattern = (text: string) => boolean;

const prompt: setting.Setting<PromptPattern, string> = {
  kind: 'text',
  help: 'A regular expression for the question: it is held against the line that the command has not ended yet.',
  example: 'Password: ?$',
  read: (given) => {
    if (typeof given !== 'string') return setting.bad('must be text');
    const problem = patternProblem(given);
    return problem === undefined
      ? setting.good((text: string) => pattern(given).first(text) !== undefined)
      : setting.bad(problem);
  },
};

const expected = setting.group(
  {
    prompt,
    answer: setting.optional(
      setting.template({
        help: 'The answer, followed by a line end; expressions in braces. A value with a control character fails the message: it could answer more than it was asked.',
        example: '{field("PID-3.1")}',
      }),
    ),
    credential: setting.optional(
      setting.credential({
        help: 'Whose password is answered. Either this or answer.',
        example: 'operator',
        kinds: ['basic', 'ssh-key'],
      }),
    ),
  },
  { help: 'A question and its answer.' },
);

export const execSettings = {
  ...sshSettings,
  command: setting.text({
    help: 'The command, as it is written in a shell of the server. Nothing of a message can stand here: see arguments.',
    example: '/opt/lab/bin/import --format hl7',
  }),
  arguments: setting.list(
    setting.template({
      help: 'An argument, with expressions in braces. Whatever its value is, it is one word of the shell.',
    }),
    {
      help: 'What follows the command, a word each. No content of a message can become a command or another word. A value that begins with a - is refused unless -- precedes it, since the command would take it for an option.',
      example: '["--", "{field(\\"PID-3.1\\")}"]',
    },
  ),
  stdin: setting.choice(
    { body: 'The body of the message, to its end', none: 'Nothing: its input is empty' },
    { help: 'What the command reads from its standard input.', default: 'body' },
  ),
  environment: setting.list(variable, {
    help: 'Variables of the command, such as MESSAGE_ID={id}. As arguments, they may be seen by others who work on the server.',
    example: '["MESSAGE_ID={id}"]',
  }),
  folder: setting.optional(
    setting.template({
      help: 'Where the command works. If it is missing, the command does not run and the code is 127.',
      example: '/var/spool/lab',
    }),
  ),
  become: setting.group(
    {
      by: setting.choice(
        {
          sudo: 'sudo, which asks for the password of the account that signs in',
          su: 'su, which asks for the password of the other user',
        },
        { help: 'The command that becomes the other user.', default: 'sudo' },
      ),
      user: setting.text({
        help: 'Who the command runs as.',
        default: 'root',
        example: 'laboratory',
      }),
      credential: setting.optional(
        setting.credential({
          help: 'Whose password is given where one is asked for: sudo asks for that of the account that signs in, su for that of the other user. Given once: if it is refused, the operation stops.',
          example: 'laboratory-account',
          kinds: ['basic', 'ssh-key'],
        }),
      ),
    },
    { help: 'Runs the command as another user of the server.' },
  ),
  expect: setting.list(expected, {
    help: 'The questions that the command may ask on its way, and the answers. Each is answered once; if a question comes again, its answer was refused, and the command is ended. Needs stdin: none.',
    example: '[{ prompt: "PIN: ?$", credential: operator }]',
  }),
  pty: setting.flag({
    help: 'Gives the command a terminal, for those that ask nothing without one. Its output and its errors are then one stream, with the ends of lines of a terminal. Needs stdin: none.',
    default: false,
    advanced: true,
  }),
  timeout: setting.duration({
    help: 'How long a command may run; then it is ended there. The timeout of the operation must be longer.',
    default: '50s',
  }),
  uncertain: setting.choice(
    {
      suspend: 'Keeps the message for a person, who looks whether it was carried out',
      retry: 'Runs it again, by the policy of the operation: for commands that may run twice',
    },
    {
      help: 'What to do when a command may have run, wholly or in part, and how it ended is not known: the connection was lost, it was ended after timeout, or the engine ended meanwhile.',
      default: 'suspend',
    },
  ),
  outputLimit: setting.size({
    help: 'How much of its output is kept as the answer. The rest is left out, and the code of a command that went well is MORE.',
    default: '1MB',
  }),
  outputType: setting.optional(
    setting.text({
      help: 'The type of the output, such as text/plain. Left out, it is that of the bytes: HL7, JSON and XML are known by their beginning.',
      advanced: true,
    }),
  ),
};

export type ExecValues = setting.ValuesOf<typeof execSettings>;
export type Expected = NonNullable<ExecValues['expect'][number]>;

const fault = (path: string, what: string, remedy: string): SettingsFault => ({
  path: [path],
  what,
  remedy,
});

export function execFaults(settings: ExecValues): SettingsFault[] {
  const { command, expect, become } = settings;
  const faults: SettingsFault[] = [];
  const swallowed = command.trim() === '' ? 'is empty' : unfinished(command);
  if (swallowed !== undefined) {
    const remedy = 'The arguments follow it in the same line: write it so that they can.';
    faults.push(fault('command', swallowed, remedy));
  }
  if (settings.arguments.length > 0 && endsInShellText(command)) {
    const remedy =
      'Put a fixed text there that uses "$1", "$2" …, then a name such as sh; the arguments follow.';
    faults.push(fault('arguments', 'would be read as text of a shell, not as a word', remedy));
  }
  const asks = expect.length > 0 ? 'expect' : settings.pty ? 'pty' : undefined;
  if (asks !== undefined && settings.stdin === 'body') {
    const what = 'does not go with stdin: body, whose bytes would answer the questions';
    faults.push(fault(asks, what, 'Set stdin: none.'));
  }
  expect.forEach((one, index) => {
    if ((one?.answer === undefined) === (one?.credential === undefined)) {
      faults.push({
        path: ['expect', String(index)],
        what: 'has both or none of answer and credential',
        remedy: 'Give one of them.',
      });
    }
  });
  if (become !== undefined && (become.user === '' || become.user.startsWith('-'))) {
    faults.push({
      path: ['become', 'user'],
      what: 'is no name of a user',
      remedy: 'Name a user of the server.',
    });
  }
  return faults;
}

/** Whether what follows is read by a shell once more, so that its quotes protect nothing. */
const endsInShellText = (command: string): boolean =>
  /(?:^|[\s;&|(/])(?:(?:ba|da|k|z|c|tc|fi|a)?sh|su|runuser)\s(?:[^;&|]*\s)?-\w*c\s*$/.test(
    command,
  ) || /(?:^|[\s;&|(])(?:eval|watch)\s*$/.test(command);
