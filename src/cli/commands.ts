import type { Command } from 'commander';

/** Every command, in the order of `--help`. Only the one that is called is loaded: most need no adapter. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./run.ts')).runCommand(),
  check: async () => (await import('./check.ts')).checkCommand(),
  test: async () => (await import('./check.ts')).testCommand(),
  apply: async () => (await import('./operate.ts')).applyCommand(),
  status: async () => (await import('./operate.ts')).statusCommand(),
  start: async () => (await import('./operate.ts')).startCommand(),
  stop: async () => (await import('./operate.ts')).stopCommand(),
  retry: async () => (await import('./operate.ts')).retryCommand(),
  override: async () => (await import('./operate.ts')).overrideCommand(),
  abort: async () => (await import('./resend.ts')).abortCommand(),
  find: async () => (await import('./trace.ts')).findCommand(),
  trace: async () => (await import('./trace.ts')).traceCommand(),
  resend: async () => (await import('./resend.ts')).resendCommand(),
  replay: async () => (await import('./resend.ts')).replayCommand(),
  purge: async () => (await import('./trace.ts')).purgeCommand(),
  send: async () => (await import('./send.ts')).sendCommand(),
  try: async () => (await import('./try.ts')).tryCommand(),
  adapters: async () => (await import('./reference.ts')).adaptersCommand(),
  expressions: async () => (await import('./reference.ts')).expressionsCommand(),
  certificate: async () => (await import('./keys.ts')).certificateCommand(),
  jwks: async () => (await import('./jwks.ts')).jwksCommand(),
  secret: async () => (await import('./keys.ts')).secretCommand(),
  user: async () => (await import('./user.ts')).userCommand(),
  audit: async () => (await import('./audit.ts')).auditCommand(),
  sandbox: async () => (await import('./sandbox.ts')).sandboxCommand(),
  demo: async () => (await import('./demo/demo.ts')).demoCommand(),
};

/** The command of that name alone, or all of them where there is none. */
export function commands(called?: string): Promise<Command[]> {
  const one = called === undefined ? undefined : COMMANDS[called];
  return Promise.all(one === undefined ? Object.values(COMMANDS).map((load) => load()) : [one()]);
}
