import { X } from "lucide-react";
import { type ReactNode, useEffect, useId, useRef } from "react";
import { t } from "../i18n/en";
import { Button } from "./button";

interface Props {
  title: string;
  wide?: boolean;
  foot?: ReactNode;
  onClose: () => void;
  children: ReactNode;
}

/** A modal dialog; the browser keeps the focus inside, and gives it back to what opened it. */
export function Sheet({ title, wide, foot, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className={wide ? "sheet wide" : "sheet"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div className="sheet-head">
        <h2 id={id}>{title}</h2>
        <Button look="quiet" small icon aria-label={t.close} onClick={onClose}>
          <X size={16} aria-hidden />
        </Button>
      </div>
      <div className="sheet-body">{children}</div>
      {foot && <div className="sheet-foot">{foot}</div>}
    </dialog>
  );
}
