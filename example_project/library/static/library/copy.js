// Buttons that copy a URL. Without this module they are hidden.

class CopyButton {
  constructor(button) {
    this.button = button;
    this.status = button.querySelector("[aria-live]");
    this.label = this.status.textContent;
    button.parentElement.hidden = false;
    button.addEventListener("click", () => this.copy());
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.button.dataset.copy);
      this.status.textContent = this.button.dataset.copied;
    } catch {
      this.status.textContent = this.button.dataset.refused;
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.status.textContent = this.label;
    }, 2000);
  }
}

for (const button of document.querySelectorAll("[data-copy]")) {
  new CopyButton(button);
}
