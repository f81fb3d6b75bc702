# What `cmake --install` puts where: the executable with its manual, completions and papers.
include(GNUInstallDirs)

install(TARGETS runed)

install(FILES
  "${PROJECT_SOURCE_DIR}/man/runed.1"
  "${PROJECT_SOURCE_DIR}/man/runed-doctor.1"
  "${PROJECT_SOURCE_DIR}/man/runed-embed.1"
  "${PROJECT_SOURCE_DIR}/man/runed-convert.1"
  "${PROJECT_SOURCE_DIR}/man/runed-gc.1"
  "${PROJECT_SOURCE_DIR}/man/runed-install.1"
  "${PROJECT_SOURCE_DIR}/man/runed-models.1"
  "${PROJECT_SOURCE_DIR}/man/runed-reload.1"
  "${PROJECT_SOURCE_DIR}/man/runed-serve.1"
  "${PROJECT_SOURCE_DIR}/man/runed-shutdown.1"
  "${PROJECT_SOURCE_DIR}/man/runed-status.1"
  "${PROJECT_SOURCE_DIR}/man/runed-uninstall.1"
  "${PROJECT_SOURCE_DIR}/man/runed-verify.1"
  DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
install(FILES "${PROJECT_SOURCE_DIR}/man/runed-config.5"
  DESTINATION "${CMAKE_INSTALL_MANDIR}/man5")

# Where each shell looks by itself.
install(FILES "${PROJECT_SOURCE_DIR}/completions/runed.bash"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME runed)
install(FILES "${PROJECT_SOURCE_DIR}/completions/_runed"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/site-functions")
install(FILES "${PROJECT_SOURCE_DIR}/completions/runed.fish"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d")

# The built-in model is part of the executable, so its attributions go with it.
install(FILES
  "${PROJECT_SOURCE_DIR}/LICENSE"
  "${PROJECT_SOURCE_DIR}/models/ATTRIBUTION.md"
  "${PROJECT_SOURCE_DIR}/models/EVAL.md"
  DESTINATION "${CMAKE_INSTALL_DOCDIR}")
