import type { Command } from 'commander';

/** All commands, in the order of `--help`. Only the one that is called is loaded: most need no adapter. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./command/run.ts')).runCommand(),
  check: async () => (await import('./command/check.ts')).checkCommand(),
  test: async () => (await import('./command/check.ts')).testCommand(),
  compare: async () => (await import('./command/compare.ts')).compareCommand(),
  transform: async () => (await import('./command/transform.ts')).transformCommand(),
  lsp: async () => (await import('./command/lsp.ts')).lspCommand(),
  apply: async () => (await import('./command/operate.ts')).applyCommand(),
  history: async () => (await import('./command/history.ts')).historyCommand(),
  'roll-back': async () => (await import('./command/history.ts')).rollBackCommand(),
  status: async () => (await import('./command/operate.ts')).statusCommand(),
  batches: async () => (await import('./command/state.ts')).batchesCommand(),
  waits: async () => (await import('./command/state.ts')).waitsCommand(),
  subscribers: async () => (await import('./command/subscribers.ts')).subscribersCommand(),
  state: async () => (await import('./command/state.ts')).stateCommand(),
  start: async () => (await import('./command/operate.ts')).startCommand(),
  stop: async () => (await import('./command/operate.ts')).stopCommand(),
  retry: async () => (await import('./command/operate.ts')).retryCommand(),
  override: async () => (await import('./command/operate.ts')).overrideCommand(),
  alerts: async () => (await import('./command/alerts.ts')).alertsCommand(),
  maintenance: async () => (await import('./command/maintenance.ts')).maintenanceCommand(),
  abort: async () => (await import('./command/resend.ts')).abortCommand(),
  find: async () => (await import('./command/trace.ts')).findCommand(),
  trace: async () => (await import('./command/trace.ts')).traceCommand(),
  resend: async () => (await import('./command/resend.ts')).resendCommand(),
  reprocess: async () => (await import('./command/resend.ts')).reprocessCommand(),
  rehearse: async () => (await import('./command/rehearse.ts')).rehearseCommand(),
  replay: async () => (await import('./command/resend.ts')).replayCommand(),
  purge: async () => (await import('./command/trace.ts')).purgeCommand(),
  forget: async () => (await import('./command/forget.ts')).forgetCommand(),
  send: async () => (await import('./command/send.ts')).sendCommand(),
  try: async () => (await import('./command/try.ts')).tryCommand(),
  adapters: async () => (await import('./command/reference.ts')).adaptersCommand(),
  records: async () => (await import('./command/reference.ts')).recordsCommand(),
  profile: async () => (await import('./command/reference.ts')).profileCommand(),
  expressions: async () => (await import('./command/reference.ts')).expressionsCommand(),
  certificate: async () => (await import('./command/certificate.ts')).certificateCommand(),
  import: async () => (await import('./command/import.ts')).importCommand(),
  jwt: async () => (await import('./command/jwt.ts')).jwtCommand(),
  jwks: async () => (await import('./command/jwks.ts')).jwksCommand(),
  secret: async () => (await import('./command/secret.ts')).secretCommand(),
  user: async () => (await import('./command/user.ts')).userCommand(),
  audit: async () => (await import('./command/audit.ts')).auditCommand(),
  sandbox: async () => (await import('./command/sandbox.ts')).sandboxCommand(),
  demo: async () => (await import('./demo/demo.ts')).demoCommand(),
};

/** Only the command of that name, or all of them if there is none. */
export function commands(called?: string): Promise<Command[]> {
  const one = called === undefined ? undefined : COMMANDS[called];
  return Promise.all(one === undefined ? Object.values(COMMANDS).map((load) => load()) : [one()]);
}
