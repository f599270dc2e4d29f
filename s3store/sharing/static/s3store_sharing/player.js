// Plays films and sound from the bucket. A signed URL ends, and browsers keep the URL that they were redirected to: so
// after an error the stable URL is loaded again, which checks the permission once more, and playing goes on.

for (const player of document.querySelectorAll("[data-s3store-player]")) {
  const url = player.dataset.s3storePlayer;
  let position = 0;
  let failed = 0;
  let playing = false;

  player.addEventListener("timeupdate", () => {
    if (player.currentTime > 0) {
      position = player.currentTime;
      failed = 0;
    }
  });
  player.addEventListener("seeking", () => {
    position = player.currentTime;
  });
  player.addEventListener("play", () => {
    playing = true;
  });
  player.addEventListener("pause", () => {
    playing = player.error !== null && playing;
  });
  player.addEventListener("error", () => {
    failed += 1;
    // The second time in a row it is not the age of the URL: Django sends the content.
    if (failed > 2) return;
    player.src = failed === 1 ? url : `${url}?stream`;
    player.addEventListener(
      "loadedmetadata",
      () => {
        player.currentTime = position;
        if (playing) player.play();
      },
      { once: true },
    );
    player.load();
  });
  player.src = url;
}
