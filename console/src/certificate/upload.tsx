import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactElement, useRef } from 'react';
import type { TakenCertificate, WaitingKey } from '../../../src/api/contract/certificate.ts';
import { ask } from '../api/client.ts';
import { Button } from '../element/button.tsx';
import { CopyButton } from '../element/copy-button.tsx';
import { FilesOrText } from '../element/files-or-text.tsx';
import { Modal } from '../element/modal.tsx';
import { Problem, Warning } from '../element/notice.tsx';
import { day } from '../element/time-text.ts';
import { t } from '../language/translate.ts';

/** Takes the signed certificate for a key that waits. */
export function Upload({
  waiting: { name, files },
  onTaken,
  onClose,
}: {
  readonly waiting: WaitingKey;
  readonly onTaken: () => void;
  readonly onClose: () => void;
}): ReactElement {
  const chosen = useRef<HTMLInputElement>(null);
  const pasted = useRef<HTMLTextAreaElement>(null);
  const take = useMutation({
    mutationFn: async () => {
      const given = await Promise.all([...(chosen.current?.files ?? [])].map((one) => one.text()));
      const certificate = [...given, pasted.current?.value ?? ''].join('\n');
      return ask('POST /certificates/requests/{name}/certificate', {
        path: { name },
        body: { certificate },
      });
    },
    onSuccess: onTaken,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    take.mutate();
  };
  return (
    <Modal title={t('Certificate of {name}', { name })} onClose={onClose}>
      {take.data === undefined ? (
        <form onSubmit={submit} className="flex flex-col gap-3">
          <FilesOrText
            label={t('Files: the certificate and its intermediates, PEM')}
            files={chosen}
            pasted={pasted}
            rows={5}
          />
          <p className="text-xs text-ink-2">
            {t(
              'It must fit the key and be valid now. It is used at once; the pair before stays on the server as {file}.',
              { file: `${files.certificate}.before` },
            )}
          </p>
          {take.isError && <Problem error={take.error} />}
          <Button type="submit" look="primary" disabled={take.isPending}>
            {t('Check and use it')}
          </Button>
        </form>
      ) : (
        <Taken name={name} taken={take.data} />
      )}
    </Modal>
  );
}

function Taken({
  name,
  taken: { subject, notAfter, notes, files, isNew },
}: {
  readonly name: string;
  readonly taken: TakenCertificate;
}): ReactElement {
  const entry = Object.entries({ kind: 'certificate', ...files });
  const line = `${name}: { ${entry.map(([key, value]) => `${key}: ${value}`).join(', ')} }`;
  return (
    <div className="flex flex-col gap-3">
      <p role="status">
        {isNew
          ? t('{subject} and its key are on the server, until {day}.', {
              subject,
              day: day(notAfter),
            })
          : t('{subject} is used now, until {day}.', { subject, day: day(notAfter) })}
      </p>
      {notes.map((note) => (
        <Warning key={note}>{note}</Warning>
      ))}
      {isNew && (
        <div className="text-xs">
          <p className="text-ink-2">{t('For credentials of the production:')}</p>
          <p className="flex items-center gap-1 font-mono break-all">
            {line} <CopyButton text={line} label={t('Copy the line')} />
          </p>
        </div>
      )}
    </div>
  );
}
