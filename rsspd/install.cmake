# What `cmake --install` puts where, beside the programs. Manual pages, sample configuration and
# completion are printed by the programs that were just built.
include(GNUInstallDirs)

set(generated ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${generated})
# a program's exit with leaks of its libraries must not fail a build with sanitizers
set(run ${CMAKE_COMMAND} -E env ASAN_OPTIONS=detect_leaks=0 LC_ALL=C.UTF-8)

# generate(FILE PROGRAM WORD…): FILE is what `PROGRAM WORD…` prints, whole or not at all.
function(generate file program)
	add_custom_command(OUTPUT ${generated}/${file}
		COMMAND ${run} $<TARGET_FILE:${program}> ${ARGN} > ${generated}/${file}.new
		COMMAND ${CMAKE_COMMAND} -E rename ${generated}/${file}.new ${generated}/${file}
		DEPENDS ${program} VERBATIM)
	set_property(GLOBAL APPEND PROPERTY RSSPD_GENERATED ${generated}/${file})
endfunction()

generate(rsspd.8 rsspd manual)
generate(rsspd.conf.5 rsspd manual-options)
generate(rssp-keys.8 rssp-keys manual)
generate(rssp.1 rssp manual --lang en)
generate(rssp.vi.1 rssp manual --lang vi)
generate(rssp.bash rssp completion bash)
generate(rsspd.conf.sample rsspd options)
get_property(all GLOBAL PROPERTY RSSPD_GENERATED)
add_custom_target(manuals ALL DEPENDS ${all})

install(FILES ${generated}/rsspd.8 ${generated}/rssp-keys.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${generated}/rsspd.conf.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${generated}/rssp.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${generated}/rssp.vi.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/vi/man1 RENAME rssp.1)
install(FILES ${generated}/rssp.bash
	DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME rssp)

# systemd looks below /usr/lib, or /usr/local/lib, whatever the libraries' own folder is called
set(systemd lib/systemd/system)
foreach(unit rsspd.service rsspd-mail.service)
	set(BINDIR ${CMAKE_INSTALL_FULL_BINDIR})
	set(LIBEXECDIR ${CMAKE_INSTALL_FULL_LIBEXECDIR})
	configure_file(${CMAKE_SOURCE_DIR}/rsspd/systemd/${unit}.in ${generated}/${unit} @ONLY)
	install(FILES ${generated}/${unit} DESTINATION ${systemd})
endforeach()
install(FILES rsspd/systemd/rsspd-mail.path rsspd/systemd/rsspd-mail.timer DESTINATION ${systemd})
install(FILES rsspd/systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME rsspd.conf)
install(FILES rsspd/systemd/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME rsspd.conf)
install(PROGRAMS rsspd/systemd/rsspd-mail DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/rsspd)

# What prepares a database and a first instance, laid out as in the source.
set(share ${CMAKE_INSTALL_DATADIR}/rsspd)
install(FILES ${generated}/rsspd.conf.sample DESTINATION ${share})
install(FILES rsspd/systemd/mail.conf DESTINATION ${share} RENAME mail.conf.sample)
install(FILES rsspd/systemd/logrotate.conf DESTINATION ${share} RENAME logrotate.sample)
install(FILES api/openapi.yaml DESTINATION ${share})
install(DIRECTORY schema DESTINATION ${share} USE_SOURCE_PERMISSIONS)
install(FILES rsspd/policy/default.json DESTINATION ${share}/rsspd/policy)
install(DIRECTORY rsspd/bootstrap DESTINATION ${share}/rsspd USE_SOURCE_PERMISSIONS)
install(FILES rsspd/systemd/sysusers.conf DESTINATION ${share}/rsspd/systemd)
install(PROGRAMS docker/steps docker/prepare DESTINATION ${share}/docker)
