// Where pages are files (file:), browsers start no worker; the site's search needs one. Here its
// script runs in a hidden frame instead, with what a worker has: messages, and `importScripts`.
(function () {
  if (location.protocol !== "file:") return;

  function run(frame, url) {
    return new Promise((resolve, reject) => {
      const script = frame.document.createElement("script");
      script.onload = resolve;
      script.onerror = () => reject(new Error(`The script cannot be loaded. Received: ${url}`));
      script.src = url;
      frame.document.body.append(script);
    });
  }

  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const element = document.createElement("iframe");
      element.hidden = true;
      document.body.append(element);
      const frame = element.contentWindow;
      frame.document.open();
      frame.document.write("<body></body>");
      frame.document.close();
      frame.postMessage = (data) =>
        setTimeout(() => this.dispatchEvent(new MessageEvent("message", { data })));
      frame.importScripts = (...urls) =>
        urls.reduce((before, next) => before.then(() => run(frame, next)), Promise.resolve());
      this.element = element;
      this.started = run(frame, new URL(url, document.baseURI));
    }

    postMessage(data) {
      const frame = this.element.contentWindow;
      this.started.then(() => frame.dispatchEvent(new frame.MessageEvent("message", { data })));
    }

    terminate() {
      this.element.remove();
    }
  };
})();
