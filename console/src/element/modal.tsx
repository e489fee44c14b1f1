import { useRouter } from '@tanstack/react-router';
import { X } from 'lucide-react';
import { type ReactElement, type ReactNode, type RefObject, useEffect, useRef } from 'react';
import { t } from '../language/translate.ts';

interface ModalProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly wide?: boolean;
  /** What is below, such as the buttons. */
  readonly footer?: ReactNode;
}

/** A native dialog: it traps the focus, returns it, and closes with Esc and with the browser's Back. */
export function Modal({
  title,
  onClose,
  children,
  wide = false,
  footer,
}: ModalProps): ReactElement {
  const dialog = useRef<HTMLDialogElement>(null);
  useBack(dialog, onClose);
  useEffect(() => {
    const { current } = dialog;
    current?.showModal();
    // the browser would choose the close button, since it comes first
    current?.querySelector<HTMLElement>('input, textarea, select')?.focus();
    return () => current?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      onClose={onClose}
      onMouseDown={({ target, currentTarget }) => {
        if (target === currentTarget) onClose();
      }}
      className={`max-h-[90dvh] w-full overflow-hidden rounded-xl border border-line bg-raised shadow-float max-sm:max-w-[calc(100vw-16px)] ${wide ? 'max-w-4xl' : 'max-w-lg'}`}
    >
      <div className="flex max-h-[90dvh] flex-col">
        <div className="flex items-center gap-2 border-b border-line px-4 py-2.5">
          <h2 className="text-[15px]">{title}</h2>
          <button
            type="button"
            onClick={onClose}
            aria-label={t('Close')}
            className="ml-auto inline-flex size-7 items-center justify-center rounded-md text-ink-2 hover:bg-hover"
          >
            <X size={16} aria-hidden="true" />
          </button>
        </div>
        <div className="min-h-0 overflow-auto p-4">{children}</div>
        {footer !== undefined && (
          <div className="flex flex-wrap items-center justify-end gap-2 border-t border-line bg-sunken px-4 py-2.5">
            {footer}
          </div>
        )}
      </div>
    </dialog>
  );
}

/**
 * Back and Forward close the dialog and leave the page: another page below it would be another message, or another
 * version, for what is typed and ordered in it.
 */
function useBack(dialog: RefObject<HTMLDialogElement | null>, onClose: () => void): void {
  const { history } = useRouter();
  const close = useRef(onClose);
  useEffect(() => {
    close.current = onClose;
  });
  useEffect(
    () =>
      history.block({
        enableBeforeUnload: false,
        blockerFn: ({ action }) => {
          if (action === 'PUSH' || action === 'REPLACE') return false;
          if (isOnTop(dialog.current)) close.current();
          return true;
        },
      }),
    [history, dialog],
  );
}

/** Whether nothing lies over it, such as the sign-in. */
function isOnTop(dialog: HTMLDialogElement | null): boolean {
  if (dialog === null) return false;
  const { left, top, width, height } = dialog.getBoundingClientRect();
  return dialog.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}
