// Connects Visual Studio Code with `waybill lsp`, which does all the work.
'use strict';
const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { commands, window, workspace } = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

const isWindows = process.platform === 'win32';
let client;

/** The setting, or the program beside the opened productions, or that of the PATH. */
function program() {
  const set = workspace.getConfiguration('waybill').get('command');
  if (set) return set;
  const name = isWindows ? 'waybill.cmd' : 'waybill';
  const own = (workspace.workspaceFolders ?? [])
    .map(({ uri }) => join(uri.fsPath, 'node_modules', '.bin', name))
    .find((path) => existsSync(path));
  return own ?? name;
}

async function start() {
  const overlays = workspace.getConfiguration('waybill').get('overlays') ?? [];
  const [first] = workspace.workspaceFolders ?? [];
  const command = program();
  const server = {
    // a .cmd can only be started by a shell, in which a path with blanks needs quotes
    command: isWindows ? `"${command}"` : command,
    args: ['lsp', ...overlays.flatMap((name) => ['--overlay', name])],
    options: { cwd: first?.uri.fsPath, shell: isWindows },
  };
  client = new LanguageClient('waybill', 'Waybill', server, {
    documentSelector: [{ scheme: 'file', pattern: '**/*.{yaml,yml}' }],
    synchronize: { fileEvents: workspace.createFileSystemWatcher('**/*.{yaml,yml,ts,csv,tsv}') },
  });
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    window.showErrorMessage(
      `${command} lsp does not start: ${error instanceof Error ? error.message : String(error)}. Install Waybill, or set waybill.command.`,
    );
  }
}

async function stop() {
  const before = client;
  client = undefined;
  await before?.stop();
}

async function activate(context) {
  context.subscriptions.push(
    commands.registerCommand('waybill.restart', async () => {
      await stop();
      await start();
    }),
  );
  await start();
}

module.exports = { activate, deactivate: stop };
