from holystone.cli.start import main

main()
